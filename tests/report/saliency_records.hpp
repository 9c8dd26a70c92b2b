#pragma once

#include <vector>

#include "xai/report/saliency_record.hpp"

namespace xai {

inline const ImageFacts explained_image = {.image = "n01/a.JPEG",
                                           .label = 3,
                                           .predicted = 4,
                                           .target = 4,
                                           .p_full = 0.75,
                                           .picture = "images/n01/a.JPEG.png",
                                           .seconds = 1.5};

inline SaliencyFacts explained() {
  return {.map = "maps/lite/n01/a.JPEG.igos++.npy",
          .p_baseline = 0.125,
          .insertion = Curve{{0, 0.75, 1}, 0.625},
          .deletion = Curve{{1, 0.25, 0}, 0.375},
          .forward = 300,
          .backward = 120,
          .iterations = 2,
          .stop_reason = "iterations",
          .near_ties = 1,
          .objective = {{"deletion", {0.5, 0.25}}, {"total_variation", {0, 0.125}}}};
}

/// One record of each kind.
inline std::vector<Json> saliency_records() {
  const SaliencySetting setting;
  SaliencyFacts one_pass = explained(), without_gap = explained();
  one_pass.iterations = 0;
  one_pass.stop_reason.reset();
  one_pass.objective.clear();
  one_pass.near_ties = 0;
  without_gap.insertion.reset();
  without_gap.deletion.reset();
  ImageFacts unlabelled = explained_image;
  unlabelled.label.reset();
  return {saliency_record(explained_image, setting, explained()),
          saliency_record(unlabelled, {.method = "rise", .size = 7, .metric = Metric::reference}, one_pass),
          saliency_record(explained_image, setting, without_gap),
          skipped_saliency_record(explained_image, setting, "wrong"),
          failed_saliency_record({.image = "b.JPEG"}, setting, "b.JPEG: truncated JPEG")};
}

}  // namespace xai
