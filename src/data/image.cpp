#include "xai/data/image.hpp"

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
    const std::string content = internal::read_source(source);
    return {.rgb = internal::decode(internal::bytes_of(content), max_pixels), .content = sha256(content)};
  } catch (const internal::BadImage& fault) {
    throw DataError(cat("cannot use image ", internal::name_of(source), ": ", fault.what()));
  }
}

}  // namespace xai
