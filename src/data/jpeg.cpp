// libjpeg itself, not OpenCV's use of it: OpenCV fills what a damaged file does not hold with grey, prints to
// stderr, and rounds CMYK otherwise than PIL.
#include <csetjmp>
#include <cstdio>
// after <cstdio>, which it needs
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <array>
#include <opencv2/core.hpp>
#include <string>

#include "decoders.hpp"

namespace xai::internal {
namespace {

/// Encoders make about ten. Each costs a pass over all pixels, in a few bytes of the file.
constexpr int most_scans = 100;

/// A decompressor whose errors and damage end in `fault`, with no output and no exit().
/// The functions that call libjpeg hold nothing that needs a destructor: an error jumps out of them.
class JpegReader {
 public:
  JpegReader() {
    jpeg_.err = jpeg_std_error(&errors_);
    errors_.error_exit = &JpegReader::on_error;
    errors_.emit_message = &JpegReader::on_message;
    jpeg_.client_data = this;
    jpeg_create_decompress(&jpeg_);
    progress_.progress_monitor = &JpegReader::on_progress;
    jpeg_.progress = &progress_;
  }
  ~JpegReader() { jpeg_destroy_decompress(&jpeg_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  bool read_header(Bytes file) {
    if (setjmp(on_fault_)) return false;
    jpeg_mem_src(&jpeg_, file.data(), file.size());
    jpeg_read_header(&jpeg_, TRUE);
    return true;
  }

  /// `pixels`: height x width x channels(); RGB (also for greyscale), or CMYK.
  bool read_pixels(unsigned char* pixels) {
    if (setjmp(on_fault_)) return false;
    jpeg_.out_color_space = channels() == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&jpeg_);
    while (jpeg_.output_scanline < jpeg_.output_height) {
      JSAMPROW row = pixels + std::size_t{jpeg_.output_scanline} * jpeg_.output_width * channels();
      jpeg_read_scanlines(&jpeg_, &row, 1);
    }
    jpeg_finish_decompress(&jpeg_);
    return true;
  }

  long width() const { return jpeg_.image_width; }
  long height() const { return jpeg_.image_height; }
  unsigned channels() const { return jpeg_.num_components == 4 ? 4 : 3; }
  std::string fault() const { return fault_.data(); }

 private:
  [[noreturn]] static void on_error(j_common_ptr jpeg) {
    auto& reader = *static_cast<JpegReader*>(jpeg->client_data);
    jpeg->err->format_message(jpeg, reader.fault_.data());
    longjmp(reader.on_fault_, 1);
  }

  /// Warnings have level -1. Some only remark on the file; all others mean that pixels are made up.
  static void on_message(j_common_ptr jpeg, int level) {
    const int code = jpeg->err->msg_code;
    const bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM ||
                          code == JWRN_JFIF_MAJOR || code == JWRN_BOGUS_PROGRESSION;
    if (level < 0 && !harmless) on_error(jpeg);
  }

  static void on_progress(j_common_ptr jpeg) {
    auto& reader = *static_cast<JpegReader*>(jpeg->client_data);
    if (reader.jpeg_.input_scan_number <= most_scans) return;
    std::snprintf(reader.fault_.data(), reader.fault_.size(), "more than %d scans", most_scans);
    longjmp(reader.on_fault_, 1);
  }

  jpeg_decompress_struct jpeg_{};
  jpeg_progress_mgr progress_{};
  jpeg_error_mgr errors_{};
  std::jmp_buf on_fault_;
  std::array<char, JMSG_LENGTH_MAX> fault_{};
};

}  // namespace

cv::Vec3b rgb_of_inverted_cmyk(const cv::Vec4b& cmyk) {
  cv::Vec3b rgb;
  for (int channel = 0; channel < 3; ++channel) {
    const int product = (255 - cmyk[channel]) * cmyk[3] + 128;
    rgb[channel] = static_cast<unsigned char>(cmyk[3] - (((product >> 8) + product) >> 8));
  }
  return rgb;
}

cv::Mat decode_jpeg(Bytes file, long max_pixels) {
  JpegReader reader;
  const auto fault = [&reader] {
    return BadImage("a truncated or damaged JPEG, or of a kind that is not read (" + reader.fault() + ")");
  };
  if (!reader.read_header(file)) throw fault();
  check_size(reader.width(), reader.height(), max_pixels);
  cv::Mat pixels(static_cast<int>(reader.height()), static_cast<int>(reader.width()),
                 CV_8UC(static_cast<int>(reader.channels())));
  if (!reader.read_pixels(pixels.data)) throw fault();
  if (reader.channels() == 3) return pixels;
  cv::Mat rgb(pixels.size(), CV_8UC3);
  std::transform(pixels.begin<cv::Vec4b>(), pixels.end<cv::Vec4b>(), rgb.begin<cv::Vec3b>(),
                 rgb_of_inverted_cmyk);
  return rgb;
}

}  // namespace xai::internal
