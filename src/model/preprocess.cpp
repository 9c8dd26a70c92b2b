#include "xai/model/preprocess.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <utility>

namespace xai {
namespace {

/// torchvision's Resize(size): the long side is cut to a whole number of pixels.
std::pair<std::int64_t, std::int64_t> resized(std::int64_t height, std::int64_t width,
                                              std::int64_t short_side) {
  if (height <= width) return {short_side, short_side * width / height};
  return {short_side * height / width, short_side};
}

/// torchvision's CenterCrop: Python's round(), halves to even.
std::int64_t crop_start(std::int64_t size, std::int64_t crop) {
  return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(size - crop) / 2.0));
}

}  // namespace

at::Tensor preprocess(const cv::Mat& rgb, const ModelCard& card) {
  const cv::Mat pixels = rgb.isContinuous() ? rgb : rgb.clone();
  at::Tensor image =
      at::from_blob(pixels.data, {1, pixels.rows, pixels.cols, 3}, at::kByte).permute({0, 3, 1, 2});
  const auto [height, width] = resized(pixels.rows, pixels.cols, card.resize);
  if (height != pixels.rows || width != pixels.cols) {
    // on bytes, as PIL: it rounds between its horizontal and its vertical pass
    image = card.interpolation == Interpolation::bicubic
                ? at::_upsample_bicubic2d_aa(image, {height, width}, /*align_corners=*/false)
                : at::_upsample_bilinear2d_aa(image, {height, width}, /*align_corners=*/false);
  }
  return image[0]
      .slice(1, crop_start(height, card.height), crop_start(height, card.height) + card.height)
      .slice(2, crop_start(width, card.width), crop_start(width, card.width) + card.width)
      .to(at::kFloat)
      .div(255)
      .contiguous();
}

at::Tensor normalise(const at::Tensor& image, const ModelCard& card) {
  const auto channels = [](const std::array<double, 3>& values) {
    return at::tensor(at::ArrayRef<double>(values), at::kFloat).view({3, 1, 1});
  };
  return (image - channels(card.mean)) / channels(card.std);
}

cv::Mat to_image(const at::Tensor& image) {
  const at::Tensor bytes = image.mul(255).round().clamp(0, 255).to(at::kByte).permute({1, 2, 0}).contiguous();
  return cv::Mat(static_cast<int>(bytes.size(0)), static_cast<int>(bytes.size(1)), CV_8UC3, bytes.data_ptr())
      .clone();
}

}  // namespace xai
