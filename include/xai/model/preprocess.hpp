#pragma once

#include <ATen/core/Tensor.h>

#include <opencv2/core/mat.hpp>

#include "xai/model/model_card.hpp"

namespace xai {

/// The image as the model's crop shows it: short side resized with antialiasing, centre crop; the tensor that
/// torchvision's or timm's transform gives before normalisation (SPEC 2).
/// `rgb`: h x w CV_8UC3 in RGB order. Result: 3 x H x W float32 RGB in [0,1], contiguous, on the CPU.
at::Tensor preprocess(const cv::Mat& rgb, const ModelCard& card);

/// The inverse direction, for pictures: 3 x H x W in [0,1] to H x W CV_8UC3 in RGB order.
cv::Mat to_image(const at::Tensor& image);

}  // namespace xai
