#include "mutator.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "xai/core/file.hpp"

namespace xai::fuzz {
namespace {

namespace fs = std::filesystem;

const fs::path here = fs::path(XAI_SOURCE_DIR) / "tests/fuzz";

/// Of `"..."` in a line, with \\, \" and \xNN.
std::string unquoted(const std::string& line) {
  std::string word;
  const auto end = line.rfind('"');
  for (auto at = line.find('"') + 1; at < end; ++at) {
    if (line[at] != '\\') {
      word += line[at];
    } else if (line[++at] == 'x') {
      word += static_cast<char>(std::stoi(line.substr(at + 1, 2), nullptr, 16));
      at += 2;
    } else {
      word += line[at];
    }
  }
  return word;
}

}  // namespace

std::vector<std::string> corpus_of(const std::string& target) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(here / "corpus" / target)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> corpus;
  for (const fs::path& file : files) corpus.push_back(read_file(file));
  return corpus;
}

std::vector<std::string> dictionary_of(const std::string& target) {
  std::ifstream file(here / "dictionary" / (target + ".txt"));
  std::vector<std::string> words;
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line.front() != '#') words.push_back(unquoted(line));
  return words;
}

Mutator::Mutator(std::uint64_t seed, std::vector<std::string> corpus, std::vector<std::string> dictionary)
    : random_(seed), corpus_(std::move(corpus)), dictionary_(std::move(dictionary)) {
  corpus_.emplace_back();
}

std::size_t Mutator::below(std::size_t end) {
  return end == 0 ? 0 : random_() % end;
}

std::size_t Mutator::length(std::size_t most) {
  return std::min(most, below(std::size_t{1} << (1 + below(8))) + 1);
}

std::string Mutator::next() {
  std::string bytes = corpus_[below(corpus_.size())];
  do damage(bytes);
  while (below(4) != 0);
  if (bytes.size() > most_bytes) bytes.resize(most_bytes);
  return bytes;
}

void Mutator::repeat(std::string& bytes, std::size_t most) {
  const std::size_t at = below(bytes.size()), size = length(bytes.size() - at);
  const std::string part = size > 0 ? bytes.substr(at, size) : "[";
  std::string many;
  while (bytes.size() + many.size() + part.size() <= most) many += part;
  bytes.insert(at, many);
}

void Mutator::damage(std::string& bytes) {
  enum Way { flip, change, bound, remove, insert, twice, many, word, word_over, splice, ways };
  const std::size_t at = below(bytes.size());
  const std::size_t size = length(bytes.size() - at);
  const auto put = [&](const std::string& part) {
    bytes.replace(at, std::min(part.size(), bytes.size() - at), part);
  };
  switch (below(ways)) {
    case flip:
      if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ 1 << below(8));
      break;
    case change:
      if (!bytes.empty()) bytes[at] = static_cast<char>(random_());
      break;
    case bound: {
      constexpr std::array<std::uint64_t, 10> bounds{0,      1,      0x7F,       0x80,       0xFF,
                                                     0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, ~0ULL};
      const std::uint64_t value = bounds[below(bounds.size())];
      const std::size_t width = std::size_t{1} << below(4);
      const bool big_endian = below(2) != 0;
      std::string part(width, '\0');
      for (std::size_t i = 0; i < width; ++i)
        part[big_endian ? width - 1 - i : i] = static_cast<char>(value >> (8 * i));
      put(below(2) != 0 ? part : std::to_string(value));
      break;
    }
    case remove:
      bytes.erase(at, size);
      break;
    case insert:
      for (std::size_t i = length(64); i-- > 0;) bytes.insert(at, 1, static_cast<char>(random_()));
      break;
    case twice:
      bytes.insert(below(bytes.size() + 1), bytes.substr(at, size));
      break;
    case many:  // seldom very many: they are slow
      repeat(bytes, std::min(most_bytes, bytes.size() + (std::size_t{4} << below(below(32) == 0 ? 15 : 8))));
      break;
    case word:
      if (!dictionary_.empty()) bytes.insert(at, dictionary_[below(dictionary_.size())]);
      break;
    case word_over:
      if (!dictionary_.empty()) put(dictionary_[below(dictionary_.size())]);
      break;
    default: {
      const std::string& other = corpus_[below(corpus_.size())];
      const std::size_t from = below(other.size());
      bytes.replace(at, size, other, from, length(other.size() - from));
    }
  }
}

}  // namespace xai::fuzz
