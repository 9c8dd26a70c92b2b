#pragma once

#include <bit>
#include <vector>

#include "xai/core/patch_set.hpp"

namespace xai::internal {

/// The sets with one patch less, by ascending removed patch.
inline std::vector<PatchSet> removals(const PatchSet& set) {
  std::vector<PatchSet> out;
  for (const int patch : set.patches()) out.push_back(set.without(patch));
  return out;
}

/// All of them, the empty set first; of a set of few patches.
inline std::vector<PatchSet> proper_subsets(const PatchSet& set) {
  const auto patches = set.patches();
  std::vector<PatchSet> subsets(std::size_t{1} << patches.size());
  for (std::size_t mask = 1; mask < subsets.size(); ++mask)
    subsets[mask] = subsets[mask & (mask - 1)].with(patches[std::countr_zero(mask)]);
  subsets.pop_back();
  return subsets;
}

}  // namespace xai::internal
