// libpng itself, not OpenCV's use of it, which prints to stderr and does not say what is wrong.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <string>
#include <vector>

#include "decoders.hpp"

namespace xai::internal {
namespace {

/// A PNG in memory, whose errors end in `fault`, with no output and no exit().
/// The functions that call libpng hold nothing that needs a destructor: an error jumps out of them.
class PngReader {
 public:
  explicit PngReader(Bytes file) : rest_(file) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &PngReader::on_error, &PngReader::on_warning);
    if (png_) info_ = png_create_info_struct(png_);
    if (!info_) throw std::bad_alloc();
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  bool read_header() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_read_fn(png_, this, &PngReader::on_read);
    png_read_info(png_, info_);
    return true;
  }

  /// `rows`: height pointers to width x 3 bytes each.
  bool read_pixels(png_bytepp rows) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_expand(png_);  // palettes, 1, 2 and 4 bits
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    png_set_gray_to_rgb(png_);
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);  // without its end a file is truncated
    return true;
  }

  long width() const { return png_get_image_width(png_, info_); }
  long height() const { return png_get_image_height(png_, info_); }
  const std::string& fault() const { return fault_; }

 private:
  [[noreturn]] static void on_error(png_structp png, png_const_charp message) {
    static_cast<PngReader*>(png_get_error_ptr(png))->fault_ = message;
    png_longjmp(png, 1);
  }

  static void on_warning(png_structp, png_const_charp) {}

  static void on_read(png_structp png, png_bytep to, std::size_t count) {
    auto& rest = static_cast<PngReader*>(png_get_io_ptr(png))->rest_;
    if (count > rest.size()) png_error(png, "ends too early");
    std::copy_n(rest.begin(), count, to);
    rest = rest.subspan(count);
  }

  Bytes rest_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::string fault_;
};

}  // namespace

cv::Mat decode_png(Bytes file, long max_pixels) {
  PngReader reader(file);
  const auto fault = [&reader] { return BadImage("a truncated or damaged PNG (" + reader.fault() + ")"); };
  if (!reader.read_header()) throw fault();
  check_size(reader.width(), reader.height(), max_pixels);
  cv::Mat pixels(static_cast<int>(reader.height()), static_cast<int>(reader.width()), CV_8UC3);
  std::vector<png_bytep> rows;
  for (int y = 0; y < pixels.rows; ++y) rows.push_back(pixels.ptr(y));
  if (!reader.read_pixels(rows.data())) throw fault();
  return pixels;
}

}  // namespace xai::internal
