#pragma once

#include <opencv2/core/mat.hpp>
#include <span>
#include <stdexcept>

namespace xai::internal {

using Bytes = std::span<const unsigned char>;

/// Why an image cannot be used; read_photograph() adds the file.
struct BadImage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws BadImage for an image of no pixels, or more than `max_pixels`.
void check_size(long width, long height, long max_pixels);

/// As PIL: a colour is (1 - ink) * (1 - black), rounded. Of inks stored inverted (Adobe).
cv::Vec3b rgb_of_inverted_cmyk(const cv::Vec4b& cmyk);

/// Each gives H x W RGB, CV_8UC3, or throws BadImage.
cv::Mat decode_jpeg(Bytes file, long max_pixels);
cv::Mat decode_png(Bytes file, long max_pixels);
cv::Mat decode_webp(Bytes file, long max_pixels);
cv::Mat decode_bmp(Bytes file, long max_pixels);
cv::Mat decode_tiff(Bytes file, long max_pixels);
cv::Mat decode_gif(Bytes file, long max_pixels);
cv::Mat decode_pnm(Bytes file, long max_pixels);

}  // namespace xai::internal
