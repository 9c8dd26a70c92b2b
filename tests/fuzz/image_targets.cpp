#include <opencv2/core.hpp>

#include "data/decoders.hpp"
#include "data/formats.hpp"
#include "targets.hpp"

namespace xai::fuzz {
namespace {

constexpr long max_pixels = 1 << 18;

void decode(Bytes input) {
  const auto format = internal::format_of(input);
  if (!format.decode) return;
  try {
    const cv::Mat rgb = format.decode(input, max_pixels);
    property(rgb.type() == CV_8UC3 && rgb.rows > 0 && rgb.cols > 0, "H x W pixels");
    property(static_cast<long>(rgb.total()) <= max_pixels, "not more pixels than 'max_pixels'");
    const auto row = static_cast<std::size_t>(rgb.cols) * 3;
    unsigned sum = 0;  // all of them can be read
    for (int y = 0; y < rgb.rows; ++y)
      for (std::size_t i = 0; i < row; ++i) sum += rgb.ptr(y)[i];
    volatile unsigned kept = sum;
    static_cast<void>(kept);
  } catch (const internal::BadImage&) {
  }
}

std::uint32_t big_endian(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320U : 0);
  }
  return ~crc;
}

/// With the checksums that its chunks should have, without which libpng looks at nothing.
std::string with_checksums(Bytes png) {
  std::string bytes(text_of(png));
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const std::size_t length = big_endian(bytes, at);
    if (length > bytes.size() - at - 12) break;
    const std::uint32_t crc = crc32(std::string_view(bytes).substr(at + 4, length + 4));
    for (std::size_t i = 0; i < 4; ++i) bytes[at + 8 + length + i] = static_cast<char>(crc >> (24 - 8 * i));
    at += 12 + length;
  }
  return bytes;
}

void decode_png(Bytes input) {
  decode(input);
  const std::string repaired = with_checksums(input);
  decode(internal::bytes_of(repaired));
}

}  // namespace

std::vector<Target> image_targets() {
  return {{"jpeg", decode}, {"png", decode_png}, {"webp", decode}, {"tiff", decode},
          {"gif", decode},  {"bmp", decode},     {"pnm", decode}};
}

}  // namespace xai::fuzz
