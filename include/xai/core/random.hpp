#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string_view>

namespace xai {

/// A stream of random numbers that depends on a seed and on the stream's names only, and is the same on every
/// platform: Random(seed, "bootstrap"), Random(seed, image_id, "igos++"). Unlike names give independent
/// streams.
class Random {
 public:
  template <class... Names>
  explicit Random(std::uint64_t seed, const Names&... names) : Random(seed, {std::string_view(names)...}) {}
  Random(std::uint64_t seed, std::initializer_list<std::string_view> names);

  /// Uniform over all 64-bit integers.
  std::uint64_t next() { return generator_(); }
  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  /// Uniform in 0 .. n - 1, without bias; n >= 1.
  std::uint64_t index(std::uint64_t n);

 private:
  std::mt19937_64 generator_;
};

}  // namespace xai
