#pragma once

#include <opencv2/core/mat.hpp>

namespace xai {

enum class Interpolation { bilinear, bicubic };

/// `image` (h x w CV_8UC3) resized to height x width pixels with antialiasing, to the bit what PIL's
/// Image.resize gives: the filter (triangle, or cubic with a = -0.5) is widened by the scale when shrinking;
/// first all rows, then all columns, each pass in 22-bit fixed point and rounded to bytes. torchvision and
/// timm resize through it.
cv::Mat resize(const cv::Mat& image, int height, int width, Interpolation interpolation);

}  // namespace xai
