#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace xai::fuzz {

/// The files of tests/fuzz/corpus/TARGET, in order of their names.
std::vector<std::string> corpus_of(const std::string& target);
/// The words of tests/fuzz/dictionary/TARGET.txt, in libFuzzer's format; none where there is no such file.
std::vector<std::string> dictionary_of(const std::string& target);

/// Damages inputs without knowing what they mean: bits and bytes change, numbers go to their bounds, parts
/// go, come twice, or come many times, words of a dictionary and parts of other inputs come in between.
class Mutator {
 public:
  static constexpr std::size_t most_bytes = 1 << 16;

  Mutator(std::uint64_t seed, std::vector<std::string> corpus, std::vector<std::string> dictionary);

  /// One of the corpus, damaged. The n-th depends on the seed and n alone.
  std::string next();
  /// Repeats a part of `bytes` until there are `most`, as deep nesting and long names need it.
  void repeat(std::string& bytes, std::size_t most = most_bytes);

 private:
  void damage(std::string& bytes);
  std::size_t below(std::size_t end);    ///< 0 .. end-1; 0 where end is 0
  std::size_t length(std::size_t most);  ///< rather short

  std::mt19937_64 random_;
  std::vector<std::string> corpus_, dictionary_;
};

}  // namespace xai::fuzz
