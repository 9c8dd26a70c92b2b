#include "exhaustive.hpp"

#include <algorithm>
#include <cstdint>

namespace xai::internal {

Task<std::vector<PatchSet>> exhaustive_search(Findings& findings, int patches) {
  constexpr std::uint64_t chunk = 4096;  // bounds the memory of one question
  const std::uint64_t count = std::uint64_t{1} << patches;
  for (std::uint64_t first = 0; first < count; first += chunk) {
    std::vector<std::vector<PatchSet>> group(1);
    for (auto bits = first; bits < std::min(first + chunk, count); ++bits)
      group[0].push_back(PatchSet::from_bits(bits));
    co_await findings.evaluate(group);
  }

  // covered[S]: some subset of S, S included, is sufficient; ascending, so that subsets come first
  std::vector<char> covered(count);
  std::vector<PatchSet> mses;
  for (std::uint64_t bits = 0; bits < count; ++bits) {
    for (auto rest = bits; rest != 0 && !covered[bits]; rest &= rest - 1)
      covered[bits] = covered[bits & ~(rest & -rest)];
    if (covered[bits] || !findings.sufficient(PatchSet::from_bits(bits))) continue;
    covered[bits] = 1;
    mses.push_back(PatchSet::from_bits(bits));
  }
  co_return mses;
}

}  // namespace xai::internal
