#include "xai/data/image.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "formats.hpp"
#include "xai/core/error.hpp"
#include "xai/core/hash.hpp"

namespace xai {
namespace internal {

void check_size(long width, long height, long max_pixels) {
  constexpr long longest_side = std::numeric_limits<int>::max();  // of a cv::Mat
  require<BadImage>(width > 0 && height > 0, "an image of ", width, " x ", height, " pixels");
  const bool allowed = height <= max_pixels / width;  // sides of 32 bits: their product may not fit
  require<BadImage>(allowed, width, " x ", height, " pixels, more than the limit of ", max_pixels,
                    " ('max_pixels')");
  require<BadImage>(width <= longest_side && height <= longest_side, width, " x ", height,
                    " pixels, and no side may have more than ", longest_side);
}

namespace {

cv::Mat decode(Bytes file, long max_pixels) {
  require<BadImage>(!file.empty(), "the file is empty");
  const Format format = format_of(file);
  require<BadImage>(!format.name.empty(), "it is not an image by its content");
  require<BadImage>(format.decode, "its format is ", format.name,
                    ", which is not read; convert it to JPEG or PNG");
  return format.decode(file, max_pixels);
}

/// No file that is read needs more: 16 bits of four channels a pixel, and what stands around them. Of a
/// longer one, such as a sparse file of terabytes, no more is read.
std::string read_bounded(const ImageSource& source, long max_pixels) {
  constexpr std::size_t around = 64 << 20, a_pixel = 8;
  const std::size_t most = around + a_pixel * static_cast<std::size_t>(std::clamp(max_pixels, 0L, 1L << 48));
  std::string content = read_source(source, most + 1);
  require<BadImage>(content.size() <= most, "a file of more than ", most >> 20, " MB, the limit for ",
                    max_pixels, " pixels ('max_pixels')");
  return content;
}

/// How an error names it.
std::string name_of(const ImageSource& source) {
  const std::string file = cat("'", source.file.string(), "'");
  return source.size ? cat("in ", file, " at byte ", source.offset) : file;
}

}  // namespace
}  // namespace internal

Photograph read_photograph(const ImageSource& source, long max_pixels) {
  require<DataError>(source.fault.empty(), source.fault);
  try {
    const std::string content = internal::read_bounded(source, max_pixels);
    return {.rgb = internal::decode(internal::bytes_of(content), max_pixels), .content = sha256(content)};
  } catch (const internal::BadImage& fault) {
    throw DataError(cat("cannot use image ", internal::name_of(source), ": ", fault.what()));
  }
}

}  // namespace xai
