#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "xai/core/task.hpp"
#include "xai/engine/mask_scorer.hpp"
#include "xai/metrics/curve.hpp"

namespace xai {

/// How well a map explains the model that `scorer` asks (SPEC 7).
struct MapScores {
  double p_baseline = 0;           ///< f(b)
  std::optional<Curve> insertion;  ///< empty where undefined (CurveOptions::min_gap)
  std::optional<Curve> deletion;
};

/// Inserts and deletes the cells of `map` (s x s float32, higher = more important) in order of importance.
/// `p_full`: f(x), of the intact image, which is not shown to the model again.
Task<MapScores> score_map(MaskScorer& scorer, at::Tensor map, double p_full, CurveOptions options);

}  // namespace xai
