#include <cmath>
#include <cstdint>
#include <opencv2/core.hpp>
#include <optional>
#include <string_view>

#include "decoders.hpp"
#include "text_file.hpp"
#include "xai/core/error.hpp"

namespace xai::internal {
namespace {

/// The file of a PBM, PGM or PPM from its beginning on.
class PnmReader {
 public:
  explicit PnmReader(Bytes file) : file_(file) {}

  unsigned char byte() {
    require<BadImage>(at_ < file_.size(), "a truncated PNM: it ends too early");
    return file_[at_++];
  }

  /// A number in decimal, behind blanks and comments, with the one byte that ends it.
  long number(long most) {
    long value = 0;
    bool digits = false;
    for (;;) {
      if (digits && at_ == file_.size()) return value;
      const auto c = static_cast<char>(byte());
      if (c == '#') {
        skip_comment();
      } else if (is_digit(c)) {
        value = 10 * value + (c - '0');
        digits = true;
        require<BadImage>(value <= most, "a damaged PNM: a number over ", most);
      } else {
        require<BadImage>(blanks.find(c) != blanks.npos, "a damaged PNM: a letter in the place of a number");
        if (digits) return value;
      }
    }
  }

  /// A digit of a plain PBM, where no blanks are needed.
  bool bit() {
    for (;;) {
      const auto c = static_cast<char>(byte());
      if (c == '0' || c == '1') return c == '1';
      if (c == '#')
        skip_comment();
      else
        require<BadImage>(blanks.find(c) != blanks.npos, "a damaged PNM: a pixel is neither 0 nor 1");
    }
  }

  std::size_t rest() const { return file_.size() - at_; }

 private:
  static constexpr std::string_view blanks = " \t\r\n\v\f";

  void skip_comment() {
    for (char c = '#'; c != '\n' && c != '\r';) c = static_cast<char>(byte());
  }

  Bytes file_;
  std::size_t at_ = 2;  // behind P1 .. P6
};

/// PIL's scaling, but for greyscale of more than 8 bits, which PIL clips.
unsigned char scaled(long value, long most, bool high_byte) {
  const double share = static_cast<double>(value) / static_cast<double>(most);
  if (high_byte) return static_cast<unsigned char>(std::lround(std::nearbyint(share * 65535)) >> 8);
  return static_cast<unsigned char>(std::min(255L, std::lround(std::nearbyint(share * 255))));
}

}  // namespace

cv::Mat decode_pnm(Bytes file, long max_pixels) {
  PnmReader reader(file);
  const char kind = static_cast<char>(file[1]);
  const bool plain = kind <= '3', bits = kind == '1' || kind == '4', colour = kind == '3' || kind == '6';
  constexpr long longest_side = 1L << 30;
  const long width = reader.number(longest_side), height = reader.number(longest_side);
  const long most = bits ? 1 : reader.number(65535);
  require<BadImage>(most > 0, "a damaged PNM: its greatest value is 0");
  check_size(width, height, max_pixels);
  const bool wide = most > 255;
  const int samples = colour ? 3 : 1;
  const auto values = static_cast<std::size_t>(width * height * samples);
  const std::size_t row_bytes = static_cast<std::size_t>(width + 7) / 8;
  const std::size_t least = plain  ? values
                            : bits ? row_bytes * static_cast<std::size_t>(height)
                                   : values * (wide ? 2 : 1);
  require<BadImage>(reader.rest() >= least, "a truncated PNM: it ends too early");

  unsigned bit_buffer = 0;
  const auto next_bit = [&](long x) {
    if (plain) return reader.bit();
    bit_buffer = x % 8 == 0 ? reader.byte() : bit_buffer << 1;
    return (bit_buffer & 0x80) != 0;
  };
  const auto next_value = [&] {
    if (plain) return reader.number(most);
    const long high = reader.byte();
    const long value = wide ? high << 8 | reader.byte() : high;
    return std::min(value, most);
  };
  cv::Mat rgb(static_cast<int>(height), static_cast<int>(width), CV_8UC3);
  for (int y = 0; y < rgb.rows; ++y)
    for (int x = 0; x < rgb.cols; ++x) {
      auto& pixel = rgb.at<cv::Vec3b>(y, x);
      for (int c = 0; c < samples; ++c)
        pixel[c] = bits ? (next_bit(x) ? 0 : 255) : scaled(next_value(), most, wide && !colour);
      if (!colour) pixel[1] = pixel[2] = pixel[0];
    }
  return rgb;
}

}  // namespace xai::internal
