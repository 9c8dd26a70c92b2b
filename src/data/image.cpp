#include "xai/data/image.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <string_view>

#include "formats.hpp"
#include "xai/core/error.hpp"
#include "xai/core/hash.hpp"

namespace xai {
namespace internal {

void check_size(long width, long height, long max_pixels) {
  // neither side of a readable format reaches 2^31, so the product fits
  require<BadImage>(width > 0 && height > 0, "an image of ", width, " x ", height, " pixels");
  require<BadImage>(width * height <= max_pixels, width, " x ", height, " pixels, more than the limit of ",
                    max_pixels, " ('max_pixels')");
}

namespace {

std::string_view text(Bytes bytes, std::size_t from, std::size_t count) {
  if (from + count > bytes.size()) return {};
  return {reinterpret_cast<const char*>(bytes.data()) + from, count};
}

/// The little-endian integer of `count` bytes.
long number(Bytes file, std::size_t from, std::size_t count) {
  require<BadImage>(from + count <= file.size(), "truncated: its header ends too early");
  long value = 0;
  for (std::size_t i = count; i-- > 0;) value = value << 8 | file[from + i];
  return value;
}

/// Decodes what OpenCV reads as PIL does.
cv::Mat decode_by_opencv(Bytes file, const char* format) {
  const cv::Mat bytes(1, static_cast<int>(file.size()), CV_8UC1, const_cast<unsigned char*>(file.data()));
  cv::Mat bgr;
  try {
    bgr = cv::imdecode(bytes, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
  } catch (const cv::Exception& error) {
    throw BadImage(cat("OpenCV cannot decode this ", format, " (", error.err, ")"));
  }
  require<BadImage>(!bgr.empty(), "damaged ", format, ", or a kind that OpenCV cannot decode");
  cv::Mat rgb(bgr.size(), CV_8UC3);
  const std::array<int, 6> swap{0, 2, 1, 1, 2, 0};
  cv::mixChannels(&bgr, 1, &rgb, 1, swap.data(), 3);
  return rgb;
}

}  // namespace

cv::Mat decode_webp(Bytes file, long max_pixels) {
  require<BadImage>(number(file, 4, 4) + 8 <= static_cast<long>(file.size()), "truncated WebP");
  constexpr long low_14_bits = 0x3FFF;
  const auto kind = text(file, 12, 4);
  if (kind == "VP8X") {
    check_size(number(file, 24, 3) + 1, number(file, 27, 3) + 1, max_pixels);
  } else if (kind == "VP8L") {
    const long sizes = number(file, 21, 4);
    check_size((sizes & low_14_bits) + 1, (sizes >> 14 & low_14_bits) + 1, max_pixels);
  } else {
    check_size(number(file, 26, 2) & low_14_bits, number(file, 28, 2) & low_14_bits, max_pixels);
  }
  return decode_by_opencv(file, "WebP");
}

cv::Mat decode_bmp(Bytes file, long max_pixels) {
  const auto side = [&file](std::size_t from) {  // negative: rows from the top
    return std::abs(static_cast<long>(static_cast<std::int32_t>(number(file, from, 4))));
  };
  require<BadImage>(number(file, 14, 4) >= 40, "a BMP of before Windows 3, which is not read");
  const long width = side(18), height = side(22), bits = number(file, 28, 2),
             compression = number(file, 30, 4);
  check_size(width, height, max_pixels);
  require<BadImage>(compression == 0 && bits >= 1 && bits <= 32, "a compressed BMP, which is not read");
  const long row_bytes = (width * bits + 31) / 32 * 4;
  require<BadImage>(number(file, 10, 4) + row_bytes * height <= static_cast<long>(file.size()),
                    "truncated BMP");
  return decode_by_opencv(file, "BMP");
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
