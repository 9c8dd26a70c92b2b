#pragma once

#include <string>
#include <utility>
#include <vector>

#include "xai/report/mse_record.hpp"

namespace xai {

/// A record with two MSEs, of one and two patches.
inline Json ok_record() {
  MseResult result;
  result.p_full = 0.8;
  result.p_baseline = 0.01;
  result.mses = {{{3}, 0.76, 0.95, Certificate::all_subsets, 1},
                 {{0, 48}, 0.72, 0.9, Certificate::single_removal, 1}};
  result.diverse_members = {0, 1};
  result.stop_reason = StopReason::max_evaluations;
  result.evaluations = 1500;
  result.near_ties = 2;
  const ImageFacts facts = {.image = "n01/a.JPEG",
                            .label = 3,
                            .predicted = 4,
                            .target = 4,
                            .p_full = {},
                            .picture = "images/n01/a.JPEG.png",
                            .seconds = 1.5};
  return mse_record(facts, {}, result);
}

/// One record of each status and reason, those without MSEs after the one with.
inline std::vector<Json> records_of_every_kind() {
  MseResult none, baseline, zero;
  none.p_full = 0.6;
  none.evaluations = 9;
  baseline.status = MseStatus::baseline_sufficient;
  baseline.p_full = 0.5;
  baseline.p_baseline = 0.5;
  baseline.evaluations = 2;
  zero.status = MseStatus::zero_probability;
  zero.evaluations = 2;
  ImageFacts facts;
  facts.predicted = facts.target = 4;
  facts.label = 4;
  const auto named = [&](std::string image) {
    facts.image = std::move(image);
    return facts;
  };
  ImageFacts unlabelled = named("e");
  unlabelled.label.reset();
  return {
      ok_record(),
      mse_record(named("b"), {}, none),
      mse_record(named("c"), {}, baseline),
      mse_record(named("d"), {}, zero),
      skipped_mse_record(unlabelled, {}, "low-probability"),
      skipped_mse_record({.image = "f", .label = 1, .predicted = 2, .target = 2, .p_full = 0.3}, {}, "wrong"),
      failed_mse_record({.image = "g"}, {}, "g: truncated JPEG")};
}

}  // namespace xai
