#pragma once

#include <vector>

#include "xai/report/cross_record.hpp"

namespace xai {

inline CrossPair tested_pair() {
  return {.image = "n01/a.JPEG",
          .source = "lite0",
          .target_model = "vit",
          .label = 3,
          .predicted = 4,
          .target = 3,
          .f_full = 0.75,
          .f_baseline = 0.125,
          .outside = 0.0625,
          .curve = Curve{{0, 0.75, 1}, 0.625}};
}

/// One record of each kind.
inline std::vector<Json> cross_records() {
  CrossPair without_gap = tested_pair(), without_map = tested_pair(), unlabelled = tested_pair();
  without_gap.f_full = 0.15;
  without_gap.curve.reset();
  without_map.curve.reset();
  unlabelled.curve.reset();
  unlabelled.label.reset();
  unlabelled.target.reset();
  unlabelled.f_full.reset();
  unlabelled.f_baseline.reset();
  unlabelled.outside.reset();
  return {
      cross_record(tested_pair()), cross_record(without_gap),
      undefined_cross_record(without_map, "map-target"), undefined_cross_record(unlabelled, "no-map"),
      failed_cross_record({.image = "b.JPEG", .source = "lite0", .target_model = "vit"}, "b.JPEG: no JPEG")};
}

}  // namespace xai
