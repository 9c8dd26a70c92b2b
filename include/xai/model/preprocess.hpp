#pragma once

#include <ATen/core/Tensor.h>

#include <opencv2/core/mat.hpp>
#include <vector>

#include "xai/model/model_card.hpp"

namespace xai {

/// One side of a model's crop of a photograph: `pixels` of the photograph resized to `resized` pixels, from
/// `start` on. The centre of the crop's pixel i lies at (start + i + 1/2) * original / resized - 1/2 of the
/// original photograph's pixels.
struct CropSide {
  int resized;
  int start;
  int pixels;
};

struct Crop {
  CropSide vertical;
  CropSide horizontal;
};

/// Where the crop of a model lies on a photograph of height x width pixels.
Crop crop_of(int height, int width, const ModelCard& card);

/// The centres of the pixels of one crop's side in pixels of the other's, which counts its own from 0: both
/// of one photograph. Where both are alike, exactly 0, 1, 2, ...
std::vector<double> positions(const CropSide& of, const CropSide& in);

/// The share of the area of crop `of` that lies outside crop `in`, 0 .. 1: both of one photograph.
double share_outside(const Crop& of, const Crop& in);

/// Both models are shown the same pixels, before each normalises them.
bool same_view(const ModelCard& a, const ModelCard& b);

/// The image as the model's crop shows it: short side resized with antialiasing, centre crop; the tensor that
/// torchvision's or timm's transform gives before normalisation (SPEC 2).
/// `rgb`: h x w CV_8UC3 in RGB order. Result: 3 x H x W float32 RGB in [0,1], contiguous, on the CPU.
at::Tensor preprocess(const cv::Mat& rgb, const ModelCard& card);

/// The inverse direction, for pictures: 3 x H x W in [0,1] to H x W CV_8UC3 in RGB order.
cv::Mat to_image(const at::Tensor& image);

}  // namespace xai
