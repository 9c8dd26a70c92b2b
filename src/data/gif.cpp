// giflib itself: OpenCV 4.6 reads no GIF.
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "decoders.hpp"
#include "xai/core/error.hpp"

namespace xai::internal {
namespace {

constexpr int graphic_control = 0xF9;

/// A GIF in memory.
class GifReader {
 public:
  explicit GifReader(Bytes file) : rest_(file) {
    int error = 0;
    gif_ = DGifOpen(this, &GifReader::on_read, &error);
    require<BadImage>(gif_, "a truncated or damaged GIF (", reason(error), ")");
  }
  ~GifReader() { DGifCloseFile(gif_, nullptr); }
  GifReader(const GifReader&) = delete;
  GifReader& operator=(const GifReader&) = delete;

  /// Goes on to the next image; false at the end of the file. What stands before it is read.
  bool next_image() {
    for (;;) {
      GifRecordType kind = UNDEFINED_RECORD_TYPE;
      check(DGifGetRecordType(gif_, &kind));
      if (kind == TERMINATE_RECORD_TYPE) return false;
      if (kind == EXTENSION_RECORD_TYPE) {
        read_extension();
      } else {
        check(DGifGetImageDesc(gif_));
        return true;
      }
    }
  }

  void skip_image() {
    int size = 0;
    GifByteType* block = nullptr;
    check(DGifGetCode(gif_, &size, &block));
    while (block) check(DGifGetCodeNext(gif_, &block));
  }

  void read_row(unsigned char* indices) { check(DGifGetLine(gif_, indices, image().Width)); }

  /// As PIL: pixels that the image does not cover show the transparent index, or 0.
  unsigned char background() const { return background_; }
  const GifImageDesc& image() const { return gif_->Image; }
  long width() const { return std::max<long>(gif_->SWidth, image().Left + image().Width); }
  long height() const { return std::max<long>(gif_->SHeight, image().Top + image().Height); }
  const ColorMapObject* palette() const { return image().ColorMap ? image().ColorMap : gif_->SColorMap; }

 private:
  static int on_read(GifFileType* gif, GifByteType* to, int count) {
    auto& rest = static_cast<GifReader*>(gif->UserData)->rest_;
    const auto here = std::min(rest.size(), static_cast<std::size_t>(count));
    std::copy_n(rest.begin(), here, to);
    rest = rest.subspan(here);
    return static_cast<int>(here);
  }

  static std::string reason(int error) {
    const char* const text = GifErrorString(error);
    return text ? text : "unknown";
  }

  void check(int result) const {
    require<BadImage>(result != GIF_ERROR, "a truncated or damaged GIF (", reason(gif_->Error), ")");
  }

  void read_extension() {
    int kind = 0;
    GifByteType* block = nullptr;  // its length, and so many bytes
    check(DGifGetExtension(gif_, &kind, &block));
    if (kind == graphic_control && block && block[0] >= 4 && (block[1] & 1)) background_ = block[4];
    while (block) check(DGifGetExtensionNext(gif_, &block));
  }

  Bytes rest_;
  GifFileType* gif_ = nullptr;
  unsigned char background_ = 0;
};

/// Row by row as they are stored.
std::vector<int> row_order(const GifImageDesc& image) {
  std::vector<int> rows;
  constexpr std::array<std::array<int, 2>, 4> passes{{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
  if (!image.Interlace)
    for (int row = 0; row < image.Height; ++row) rows.push_back(row);
  else
    for (const auto& [first, step] : passes)
      for (int row = first; row < image.Height; row += step) rows.push_back(row);
  return rows;
}

}  // namespace

cv::Mat decode_gif(Bytes file, long max_pixels) {
  GifReader gif(file);
  require<BadImage>(gif.next_image(), "a GIF without an image");
  check_size(gif.width(), gif.height(), max_pixels);
  std::array<cv::Vec3b, 256> colours;
  for (int i = 0; i < 256; ++i) {
    const bool known = gif.palette() && i < gif.palette()->ColorCount;
    const auto grey = static_cast<unsigned char>(i);
    const GifColorType colour = known ? gif.palette()->Colors[i] : GifColorType{grey, grey, grey};
    colours[static_cast<std::size_t>(i)] = {colour.Red, colour.Green, colour.Blue};
  }
  cv::Mat rgb(static_cast<int>(gif.height()), static_cast<int>(gif.width()), CV_8UC3,
              colours[gif.background()]);
  std::vector<unsigned char> indices(static_cast<std::size_t>(gif.image().Width));
  for (const int row : row_order(gif.image())) {
    gif.read_row(indices.data());
    auto* const pixels = rgb.ptr<cv::Vec3b>(gif.image().Top + row) + gif.image().Left;
    std::transform(indices.begin(), indices.end(), pixels, [&](unsigned char i) { return colours[i]; });
  }
  while (gif.next_image()) gif.skip_image();  // without its end a file is truncated
  return rgb;
}

}  // namespace xai::internal
