#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>

#include "xai/core/random.hpp"
#include "xai/search/estimate.hpp"
#include "xai/search/mse.hpp"

namespace xai {

// Results such as a run may have, of which a plan measures what they take on the disk.

/// 40 MSEs of 8 patches, with as many digits as real ones.
inline MseResult invented_mses(const MseOptions& options) {
  Random random(0, "invented MSEs");
  const int patches = options.grid * options.grid;
  MseResult result;
  result.p_full = random.uniform();
  result.p_baseline = random.uniform();
  result.evaluations = options.max_evaluations;
  for (int i = 0; i < 40; ++i) {
    PatchSet set;
    while (set.size() < std::min(8, patches - 1)) set.insert(static_cast<int>(random.index(patches)));
    result.mses.push_back({.patches = set,
                           .p = random.uniform(),
                           .ratio = random.uniform(),
                           .keeps_top1 = true,
                           .certificate = Certificate::all_subsets,
                           .checked_depth = set.size()});
  }
  result.diverse_members = {0, 1, 2, 3};
  return result;
}

/// With as many digits as a real one.
inline EstimateResult invented_estimate(const MseOptions& options) {
  Random random(0, "invented estimate");
  const auto digits = [&] { return 1000 * random.uniform(); };
  EstimateResult result;
  for (CountEstimate* estimate : {&result.one_minimal, &result.mses})
    *estimate = {.value = digits(), .se = digits(), .low = digits(), .high = digits()};
  for (int size = 1; size <= result.up_to; ++size) result.by_size[size] = digits();
  result.mean_size = digits();
  for (int patch = 0; patch < options.grid * options.grid; ++patch)
    result.patch_share.push_back(random.uniform());
  return result;
}

/// Of so many sets, but of a million at most: a plan is made in seconds.
inline std::unordered_map<PatchSet, double> invented_scores(long count) {
  std::unordered_map<PatchSet, double> scores;
  for (long i = 0; i < std::min(count, 1'000'000L); ++i)
    scores[PatchSet::from_bits(static_cast<std::uint64_t>(i))] = 0;
  return scores;
}

}  // namespace xai
