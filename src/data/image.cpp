#include "xai/data/image.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <string_view>

#include "decoders.hpp"
#include "xai/core/error.hpp"
#include "xai/core/file.hpp"
#include "xai/core/hash.hpp"

namespace xai {
namespace internal {

void check_size(long width, long height, long max_pixels) {
  // neither side of a readable format reaches 2^31, so the product fits
  require<BadImage>(width * height <= max_pixels, width, " x ", height, " pixels, more than the limit of ",
                    max_pixels, " ('max_pixels')");
}

namespace {

std::string_view text(Bytes bytes, std::size_t from, std::size_t count) {
  if (from + count > bytes.size()) return {};
  return {reinterpret_cast<const char*>(bytes.data()) + from, count};
}

bool starts_with(Bytes file, std::string_view signature) {
  return text(file, 0, signature.size()) == signature;
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

/// The name of a format that is known and not read, or "".
std::string_view unread_format(Bytes file) {
  if (starts_with(file, "GIF8")) return "GIF";
  if (starts_with(file, std::string_view("II*\0", 4)) || starts_with(file, std::string_view("MM\0*", 4)))
    return "TIFF";
  if (starts_with(file, "%PDF")) return "PDF";
  if (text(file, 4, 4) == "ftyp") return "AVIF, HEIC or another ISO media format";
  if (starts_with(file, std::string_view("\0\0\0\x0CjP  ", 8)) || starts_with(file, "\xFF\x4F\xFF\x51"))
    return "JPEG 2000";
  return "";
}

cv::Mat decode(Bytes file, long max_pixels) {
  require<BadImage>(!file.empty(), "the file is empty");
  if (starts_with(file, "\xFF\xD8\xFF")) return decode_jpeg(file, max_pixels);
  if (starts_with(file, "\x89PNG\r\n\x1A\n")) return decode_png(file, max_pixels);
  if (starts_with(file, "RIFF") && text(file, 8, 4) == "WEBP") return decode_webp(file, max_pixels);
  if (starts_with(file, "BM")) return decode_bmp(file, max_pixels);
  const auto format = unread_format(file);
  require<BadImage>(format.empty(), "its format is ", format, "; convert it to JPEG or PNG");
  throw BadImage("it is not an image by its content");
}

std::string read_image_file(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  require<BadImage>(std::filesystem::exists(status), "no such file");
  // a pipe or a device would block
  require<BadImage>(std::filesystem::is_regular_file(status), "it is not a regular file");
  return read_file(file);
}

}  // namespace
}  // namespace internal

Photograph read_photograph(const std::filesystem::path& file, long max_pixels) {
  const auto bad = [&file](const char* reason) {
    return DataError(cat("cannot use image '", file.string(), "': ", reason));
  };
  try {
    const std::string content = internal::read_image_file(file);
    const internal::Bytes bytes(reinterpret_cast<const unsigned char*>(content.data()), content.size());
    return {.rgb = internal::decode(bytes, max_pixels), .content = sha256(content)};
  } catch (const internal::BadImage& fault) {
    throw bad(fault.what());
  } catch (const IoError& failure) {
    throw bad(failure.what());
  }
}

}  // namespace xai
