#include "xai/model/preprocess.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace xai {
namespace {

/// torchvision's Resize(size): the long side is cut to a whole number of pixels.
std::pair<int, int> resized(int height, int width, int short_side) {
  const auto scaled = [&](int side) {
    return static_cast<int>(std::int64_t{short_side} * side / std::min(height, width));
  };
  return {scaled(height), scaled(width)};
}

/// torchvision's CenterCrop: Python's round(), halves to even.
int crop_start(int size, int crop) {
  return static_cast<int>(std::nearbyint((size - crop) / 2.0));
}

}  // namespace

at::Tensor preprocess(const cv::Mat& rgb, const ModelCard& card) {
  const auto [height, width] = resized(rgb.rows, rgb.cols, card.resize);
  const cv::Rect crop(crop_start(width, card.width), crop_start(height, card.height), card.width,
                      card.height);
  const cv::Mat pixels = resize(rgb, height, width, card.interpolation)(crop).clone();
  return at::from_blob(pixels.data, {card.height, card.width, 3}, at::kByte)
      .permute({2, 0, 1})
      .to(at::kFloat)
      .div(255)
      .contiguous();
}

cv::Mat to_image(const at::Tensor& image) {
  const at::Tensor bytes = image.mul(255).round().clamp(0, 255).to(at::kByte).permute({1, 2, 0}).contiguous();
  return cv::Mat(static_cast<int>(bytes.size(0)), static_cast<int>(bytes.size(1)), CV_8UC3, bytes.data_ptr())
      .clone();
}

}  // namespace xai
