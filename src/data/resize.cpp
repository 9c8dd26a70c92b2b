#include "xai/data/resize.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

namespace xai {
namespace {

constexpr int fraction_bits =
    22;  // of the fixed-point weights: 32, less 8 for the bytes, less 2 for overshoot

double filter(double x, Interpolation interpolation) {
  x = std::abs(x);
  if (interpolation == Interpolation::bilinear) return std::max(0.0, 1 - x);
  constexpr double a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/// The input pixels that make one output pixel.
struct Taps {
  int first = 0;
  std::vector<std::int32_t> weights;
};

std::vector<Taps> taps_of(int from, int to, Interpolation interpolation) {
  const double scale = static_cast<double>(from) / to;
  const double widening = std::max(scale, 1.0);
  const double support = widening * (interpolation == Interpolation::bilinear ? 1 : 2);
  std::vector<Taps> all(static_cast<std::size_t>(to));
  for (int out = 0; out < to; ++out) {
    Taps& taps = all[static_cast<std::size_t>(out)];
    const double centre = (out + 0.5) * scale;
    taps.first = std::max(0, static_cast<int>(centre - support + 0.5));
    const int end = std::min(from, static_cast<int>(centre + support + 0.5));
    std::vector<double> weights;
    double sum = 0;
    for (int in = taps.first; in < end; ++in) {
      weights.push_back(filter((in - centre + 0.5) * (1 / widening), interpolation));
      sum += weights.back();
    }
    for (const double w : weights)
      taps.weights.push_back(static_cast<std::int32_t>(std::round(w / sum * (1 << fraction_bits))));
  }
  return all;
}

/// Resizes the columns' direction: rows x width pixels.
cv::Mat resize_rows(const cv::Mat& image, int width, Interpolation interpolation) {
  if (width == image.cols) return image;
  const std::vector<Taps> all = taps_of(image.cols, width, interpolation);
  cv::Mat result(image.rows, width, CV_8UC3);
  for (int row = 0; row < image.rows; ++row) {
    const auto* in = image.ptr<std::uint8_t>(row);
    auto* out = result.ptr<std::uint8_t>(row);
    for (const Taps& taps : all) {
      std::int32_t sums[3];
      std::fill(sums, sums + 3, 1 << (fraction_bits - 1));  // one half: what follows rounds down
      const std::uint8_t* pixel = in + 3 * taps.first;
      for (const std::int32_t weight : taps.weights)
        for (std::int32_t& sum : sums) sum += weight * *pixel++;
      for (const std::int32_t sum : sums) *out++ = cv::saturate_cast<std::uint8_t>(sum >> fraction_bits);
    }
  }
  return result;
}

}  // namespace

cv::Mat resize(const cv::Mat& image, int height, int width, Interpolation interpolation) {
  const cv::Mat wide = resize_rows(image, width, interpolation);
  if (height == image.rows) return wide;
  return resize_rows(wide.t(), height, interpolation).t();
}

}  // namespace xai
