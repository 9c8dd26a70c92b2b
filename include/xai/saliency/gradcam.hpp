#pragma once

#include <ATen/core/Tensor.h>

#include "xai/model/classifier.hpp"

namespace xai {

/// Grad-CAM (Selvaraju et al., ICCV 2017): the last feature maps A_k, weighted by the mean gradient of the
/// class's logit over each, summed, and what is positive of that; resampled to size x size (bilinear up, area
/// down). `image`: 3 x H x W normalised. Gives float32 >= 0 on the CPU.
/// Throws DataError where the maps are not finite.
at::Tensor gradcam(Classifier& classifier, const at::Tensor& image, int target, int size);

}  // namespace xai
