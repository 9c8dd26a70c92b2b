#include "xai/model/preprocess.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <tuple>
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

/// How much of side `of` lies inside side `in`.
double overlap(const CropSide& of, const CropSide& in) {
  const auto share = [](int pixel, const CropSide& side) {
    return static_cast<double>(pixel) / side.resized;  // of the photograph
  };
  const double first = std::max(share(of.start, of), share(in.start, in));
  const double last = std::min(share(of.start + of.pixels, of), share(in.start + in.pixels, in));
  return std::max(0.0, last - first) / share(of.pixels, of);
}

}  // namespace

Crop crop_of(int height, int width, const ModelCard& card) {
  const auto [resized_height, resized_width] = resized(height, width, card.resize);
  return {{resized_height, crop_start(resized_height, card.height), card.height},
          {resized_width, crop_start(resized_width, card.width), card.width}};
}

std::vector<double> positions(const CropSide& of, const CropSide& in) {
  std::vector<double> result;
  for (int i = 0; i < of.pixels; ++i)
    result.push_back((of.start + i + 0.5) * in.resized / of.resized - 0.5 - in.start);
  return result;
}

double share_outside(const Crop& of, const Crop& in) {
  return std::max(0.0, 1 - overlap(of.vertical, in.vertical) * overlap(of.horizontal, in.horizontal));
}

bool same_view(const ModelCard& a, const ModelCard& b) {
  const auto view = [](const ModelCard& card) {
    return std::tuple(card.height, card.width, card.resize, card.interpolation);
  };
  return view(a) == view(b);
}

at::Tensor preprocess(const cv::Mat& rgb, const ModelCard& card) {
  const auto [vertical, horizontal] = crop_of(rgb.rows, rgb.cols, card);
  const cv::Rect crop(horizontal.start, vertical.start, horizontal.pixels, vertical.pixels);
  const cv::Mat pixels = resize(rgb, vertical.resized, horizontal.resized, card.interpolation)(crop).clone();
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
