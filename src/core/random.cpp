#include "xai/core/random.hpp"

#include <string>

#include "xai/core/hash.hpp"
#include "xai/core/text.hpp"

namespace xai {

Random::Random(std::uint64_t seed, std::initializer_list<std::string_view> names) {
  std::string key = cat(seed);
  for (const auto name : names) key += cat(":", name.size(), ":", name);
  generator_.seed(std::stoull(sha256(key).substr(0, 16), nullptr, 16));
}

std::uint64_t Random::index(std::uint64_t n) {
  // of the 2^64 values drop the first 2^64 mod n, so that each remainder is equally likely
  const std::uint64_t dropped = (0 - n) % n;
  std::uint64_t value = next();
  while (value < dropped) value = next();
  return value % n;
}

}  // namespace xai
