#pragma once

#include <ATen/core/Tensor.h>

#include "xai/core/task.hpp"
#include "xai/engine/mask_scorer.hpp"

namespace xai {

/// Grad-CAM (Selvaraju et al., ICCV 2017): the last feature maps A_k of the intact image, weighted by the
/// mean gradient of the class's logit over each, summed, and what is positive of that; resampled to size x
/// size (bilinear up, area down). Asks one question, of Want::features. Gives float32 >= 0 on the CPU.
/// Throws DataError where the maps are not finite.
Task<at::Tensor> gradcam(MaskScorer& scorer, int size);

}  // namespace xai
