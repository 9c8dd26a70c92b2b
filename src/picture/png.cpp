#include <png.h>
#include <zlib.h>

#include <csetjmp>
#include <new>
#include <string>
#include <utility>

#include "drawing.hpp"
#include "xai/core/error.hpp"
#include "xai/picture/picture.hpp"

namespace xai {
namespace {

/// A PNG that is written into memory, whose errors end in `fault`, with no output and no exit().
/// The function that calls libpng holds nothing that needs a destructor: an error jumps out of it.
class PngWriter {
 public:
  PngWriter() {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, this, &PngWriter::on_error, &PngWriter::on_warning);
    if (png_) info_ = png_create_info_struct(png_);
    if (!info_) throw std::bad_alloc();
  }
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  bool write(const cv::Mat& rgb) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_write_fn(png_, this, &PngWriter::on_write, nullptr);
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(rgb.cols), static_cast<png_uint_32>(rgb.rows), 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    // pictures are flat areas and photographs: runs of differences are quick, and nearly as small as can be
    png_set_filter(png_, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    png_set_compression_level(png_, Z_BEST_SPEED);
    png_set_compression_strategy(png_, Z_RLE);
    png_write_info(png_, info_);
    for (int y = 0; y < rgb.rows; ++y) png_write_row(png_, rgb.ptr(y));
    png_write_end(png_, info_);
    return true;
  }

  std::string& bytes() { return bytes_; }
  const std::string& fault() const { return fault_; }

 private:
  [[noreturn]] static void on_error(png_structp png, png_const_charp message) {
    static_cast<PngWriter*>(png_get_error_ptr(png))->fault_ = message;
    png_longjmp(png, 1);
  }

  static void on_warning(png_structp, png_const_charp) {}

  static void on_write(png_structp png, png_bytep from, std::size_t count) {
    auto& self = *static_cast<PngWriter*>(png_get_io_ptr(png));
    self.bytes_.append(reinterpret_cast<const char*>(from), count);
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::string bytes_;
  std::string fault_;
};

}  // namespace

std::string encode_png(const cv::Mat& rgb) {
  drawing::check_photograph(rgb);
  PngWriter writer;
  require<Error>(writer.write(rgb), "cannot make a PNG of ", rgb.cols, " x ", rgb.rows, " pixels (",
                 writer.fault(), ")");
  return std::move(writer.bytes());
}

}  // namespace xai
