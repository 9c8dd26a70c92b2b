#pragma once

#include <span>
#include <vector>

#include "xai/core/patch_set.hpp"

namespace xai {

struct DiverseFamily {
  std::vector<int> members;  ///< ascending indices into the sets that were given
  bool exact = true;         ///< no larger family exists; false when the work budget ran out first
};

/// The largest family of `sets` (any number n of them) whose members pairwise share at most `max_overlap`
/// patches: a maximum clique by branch and bound with a colouring bound (Tomita's MCQ). Deterministic.
/// `work` bounds the 64-bit words touched: the default is about 0.2 s, and memory is n * n / 8 bytes.
DiverseFamily largest_diverse_family(std::span<const PatchSet> sets, int max_overlap, long work = 20'000'000);

}  // namespace xai
