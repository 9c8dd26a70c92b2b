// libtiff itself: OpenCV's use of it rounds 16 bits otherwise than PIL, and prints to stderr.
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "decoders.hpp"
#include "xai/core/error.hpp"

namespace xai::internal {
namespace {

/// The first image of a TIFF in memory, whose errors end in BadImage.
class TiffReader {
 public:
  explicit TiffReader(Bytes file) : file_(file) {
    const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                   &TIFFOpenOptionsFree);
    TIFFOpenOptionsSetErrorHandlerExtR(options.get(), &TiffReader::on_error, this);
    TIFFOpenOptionsSetWarningHandlerExtR(options.get(), &TiffReader::on_warning, this);
    tiff_ = TIFFClientOpenExt("", "rm", this, &TiffReader::read, &TiffReader::write, &TiffReader::seek,
                              &TiffReader::close, &TiffReader::size, nullptr, nullptr, options.get());
    if (!tiff_) fail();
  }
  ~TiffReader() { TIFFClose(tiff_); }
  TiffReader(const TiffReader&) = delete;
  TiffReader& operator=(const TiffReader&) = delete;

  TIFF* get() const { return tiff_; }

  /// Of an integer field; `otherwise` where it is not there, and has no default.
  template <class T>
  T field(std::uint32_t tag, T otherwise) const {
    T value{};
    return TIFFGetFieldDefaulted(tiff_, tag, &value) ? value : otherwise;
  }

  /// While pixels are decoded a warning means that some are made up.
  void reading_pixels() { strict_ = true; }
  void check() const {
    if (!fault_.empty()) fail();
  }
  [[noreturn]] void fail() const {
    throw BadImage(cat("a truncated or damaged TIFF, or of a kind that is not read (",
                       fault_.empty() ? "unknown reason" : fault_, ")"));
  }

 private:
  static void keep(TiffReader& reader, const char* format, va_list arguments) {
    if (!reader.fault_.empty()) return;
    std::array<char, 300> text{};
    std::vsnprintf(text.data(), text.size(), format, arguments);
    reader.fault_ = text.data();
    std::replace(reader.fault_.begin(), reader.fault_.end(), '\n', ' ');
  }
  static int on_error(TIFF*, void* self, const char*, const char* format, va_list arguments) {
    keep(*static_cast<TiffReader*>(self), format, arguments);
    return 1;
  }
  static int on_warning(TIFF*, void* self, const char*, const char* format, va_list arguments) {
    auto& reader = *static_cast<TiffReader*>(self);
    if (reader.strict_) keep(reader, format, arguments);
    return 1;
  }

  static tmsize_t read(thandle_t self, void* to, tmsize_t count) {
    auto& reader = *static_cast<TiffReader*>(self);
    const std::uint64_t rest = reader.file_.size() - std::min<std::uint64_t>(reader.at_, reader.file_.size());
    const auto here =
        static_cast<std::size_t>(std::min<std::uint64_t>(rest, static_cast<std::uint64_t>(count)));
    if (here > 0) std::memcpy(to, reader.file_.data() + reader.at_, here);
    reader.at_ += here;
    return static_cast<tmsize_t>(here);
  }
  static tmsize_t write(thandle_t, void*, tmsize_t) { return -1; }
  static toff_t seek(thandle_t self, toff_t offset, int from) {
    auto& reader = *static_cast<TiffReader*>(self);
    const std::uint64_t base = from == SEEK_SET ? 0 : from == SEEK_CUR ? reader.at_ : reader.file_.size();
    return reader.at_ = base + offset;
  }
  static int close(thandle_t) { return 0; }
  static toff_t size(thandle_t self) { return static_cast<TiffReader*>(self)->file_.size(); }

  Bytes file_;
  std::uint64_t at_ = 0;
  bool strict_ = false;
  std::string fault_;
  TIFF* tiff_ = nullptr;
};

/// What the header says.
struct Layout {
  std::uint32_t width, height;
  std::uint16_t bits, samples, photometric, planar, compression, orientation, format;
  bool tiled, premultiplied;
  std::uint32_t piece_width, piece_height;  ///< of a tile, or of a strip

  bool planes() const { return planar == PLANARCONFIG_SEPARATE && samples > 1; }
  /// Samples that make a colour.
  int colours() const {
    if (photometric == PHOTOMETRIC_RGB || photometric == PHOTOMETRIC_YCBCR) return 3;
    return photometric == PHOTOMETRIC_SEPARATED ? 4 : 1;
  }
  /// Those and an alpha: samples that are looked at.
  std::size_t kept() const { return std::min<std::size_t>(samples, static_cast<std::size_t>(colours()) + 1); }
};

Layout layout_of(const TiffReader& tiff) {
  Layout is{};
  is.width = tiff.field<std::uint32_t>(TIFFTAG_IMAGEWIDTH, 0);
  is.height = tiff.field<std::uint32_t>(TIFFTAG_IMAGELENGTH, 0);
  is.bits = tiff.field<std::uint16_t>(TIFFTAG_BITSPERSAMPLE, 1);
  is.samples = tiff.field<std::uint16_t>(TIFFTAG_SAMPLESPERPIXEL, 1);
  is.photometric = tiff.field<std::uint16_t>(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
  is.planar = tiff.field<std::uint16_t>(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  is.compression = tiff.field<std::uint16_t>(TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  is.orientation = tiff.field<std::uint16_t>(TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  is.format = tiff.field<std::uint16_t>(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  std::uint16_t extras = 0;
  const std::uint16_t* kinds = nullptr;
  if (TIFFGetField(tiff.get(), TIFFTAG_EXTRASAMPLES, &extras, &kinds) && extras > 0 &&
      is.samples > is.colours())
    is.premultiplied = kinds[0] == EXTRASAMPLE_ASSOCALPHA;
  is.tiled = TIFFIsTiled(tiff.get()) != 0;
  is.piece_width = is.tiled ? tiff.field<std::uint32_t>(TIFFTAG_TILEWIDTH, 0) : is.width;
  is.piece_height = is.tiled
                        ? tiff.field<std::uint32_t>(TIFFTAG_TILELENGTH, 0)
                        : std::min(is.height, tiff.field<std::uint32_t>(TIFFTAG_ROWSPERSTRIP, is.height));
  return is;
}

void check_kind(const TiffReader& tiff, const Layout& is) {
  void* version = nullptr;
  require<BadImage>(!TIFFGetField(tiff.get(), TIFFTAG_DNGVERSION, &version) &&
                        !(tiff.field<std::uint32_t>(TIFFTAG_SUBFILETYPE, 0) & FILETYPE_REDUCEDIMAGE),
                    "a camera's raw file, whose first image is a reduced copy; convert it to JPEG or PNG");
  require<BadImage>(TIFFIsCODECConfigured(is.compression), "a TIFF of compression ", is.compression,
                    ", which is not read");
  require<BadImage>(is.format == SAMPLEFORMAT_UINT || is.format == SAMPLEFORMAT_VOID,
                    "a TIFF of samples that are not unsigned integers; convert it to 8 bits");
  require<BadImage>(is.bits == 1 || is.bits == 2 || is.bits == 4 || is.bits == 8 || is.bits == 16,
                    "a TIFF of ", is.bits, "-bit samples; convert it to 8 bits");
  constexpr std::array<int, 6> read{PHOTOMETRIC_MINISWHITE, PHOTOMETRIC_MINISBLACK, PHOTOMETRIC_RGB,
                                    PHOTOMETRIC_PALETTE,    PHOTOMETRIC_SEPARATED,  PHOTOMETRIC_YCBCR};
  require<BadImage>(std::find(read.begin(), read.end(), is.photometric) != read.end(),
                    "a TIFF of colour space ", is.photometric, ", which is not read; convert it to RGB");
  require<BadImage>(is.samples >= is.colours() && is.samples <= 16, "a TIFF of ", is.samples,
                    " samples a pixel, which is not read");
  require<BadImage>(is.photometric != PHOTOMETRIC_PALETTE || is.bits <= 8, "a TIFF of a 16-bit palette");
}

/// Sample `i` of a row, 16 bits as their high byte.
unsigned char sample(const unsigned char* row, std::size_t i, int bits) {
  if (bits == 8) return row[i];
  if (bits == 16) {
    std::uint16_t value = 0;  // libtiff gives the machine's byte order
    std::memcpy(&value, row + 2 * i, 2);
    return static_cast<unsigned char>(value >> 8);
  }
  const std::size_t bit = i * static_cast<std::size_t>(bits);
  return static_cast<unsigned char>(row[bit / 8] >> (8 - bits - static_cast<int>(bit % 8)) &
                                    ((1 << bits) - 1));
}

/// The kept samples, H x W x C bytes.
std::vector<unsigned char> read_samples(TiffReader& tiff, const Layout& is) {
  const std::size_t channels = is.samples, width = is.width, kept = is.kept();
  std::vector<unsigned char> all(width * is.height * kept);
  const tmsize_t size = is.tiled ? TIFFTileSize(tiff.get()) : TIFFStripSize(tiff.get());
  const tmsize_t row_size = is.tiled ? TIFFTileRowSize(tiff.get()) : TIFFScanlineSize(tiff.get());
  const std::size_t here = is.planes() ? 1 : channels;  // in a row of a piece
  const std::size_t row_needs = (std::size_t{is.piece_width} * here * is.bits + 7) / 8;
  require<BadImage>(size > 0 && static_cast<std::size_t>(row_size) >= row_needs,
                    "a damaged TIFF: its pieces have no size");
  constexpr std::size_t largest_tile = 64 << 20;  // where it is larger than all of the image
  const std::size_t image_bytes = (width * channels * is.bits + 7) / 8 * is.height;
  require<BadImage>(static_cast<std::size_t>(size) <= std::max(image_bytes, largest_tile),
                    "a damaged TIFF: tiles of ", size, " bytes");
  std::vector<unsigned char> piece(static_cast<std::size_t>(size));
  for (std::size_t plane = 0; plane < (is.planes() ? channels : 1); ++plane)
    for (std::uint32_t top = 0; top < is.height; top += is.piece_height)
      for (std::uint32_t left = 0; left < is.width; left += is.piece_width) {
        const auto number = static_cast<std::uint16_t>(plane);
        const std::uint32_t rows = std::min(is.piece_height, is.height - top);
        const std::uint32_t columns = std::min(is.piece_width, is.width - left);
        const tmsize_t needed = is.tiled ? size : static_cast<tmsize_t>(rows) * row_size;
        const tmsize_t got =
            is.tiled ? TIFFReadEncodedTile(tiff.get(), TIFFComputeTile(tiff.get(), left, top, 0, number),
                                           piece.data(), size)
                     : TIFFReadEncodedStrip(tiff.get(), TIFFComputeStrip(tiff.get(), top, number),
                                            piece.data(), needed);
        tiff.check();
        if (got < needed) tiff.fail();
        for (std::uint32_t y = 0; y < rows; ++y) {
          const unsigned char* const row = piece.data() + static_cast<std::size_t>(row_size) * y;
          unsigned char* const to = all.data() + ((top + y) * width + left) * kept;
          for (std::size_t x = 0; x < columns; ++x)
            if (!is.planes())
              for (std::size_t c = 0; c < kept; ++c)
                to[x * kept + c] = sample(row, x * channels + c, is.bits);
            else if (plane < kept)
              to[x * kept + plane] = sample(row, x, is.bits);
        }
      }
  return all;
}

/// As PIL's conversion of its mode RGBa.
unsigned char divided(int colour, int alpha) {
  return static_cast<unsigned char>(alpha == 0     ? 0
                                    : alpha == 255 ? colour
                                                   : std::min(255, 255 * colour / alpha));
}

cv::Mat to_rgb(const TiffReader& tiff, const Layout& is, const std::vector<unsigned char>& samples) {
  std::array<cv::Vec3b, 256> colours;  // of one sample
  const int most = (1 << std::min<int>(is.bits, 8)) - 1;
  for (int i = 0; i <= most; ++i) {
    const int grey = 255 / most * (is.photometric == PHOTOMETRIC_MINISWHITE ? most - i : i);
    colours[static_cast<std::size_t>(i)] = cv::Vec3b::all(static_cast<unsigned char>(grey));
  }
  if (is.photometric == PHOTOMETRIC_PALETTE) {
    std::uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
    require<BadImage>(TIFFGetField(tiff.get(), TIFFTAG_COLORMAP, &red, &green, &blue),
                      "a damaged TIFF: no palette");
    for (int i = 0; i <= most; ++i)
      colours[static_cast<std::size_t>(i)] = {static_cast<unsigned char>(red[i] >> 8),
                                              static_cast<unsigned char>(green[i] >> 8),
                                              static_cast<unsigned char>(blue[i] >> 8)};
  }
  cv::Mat rgb(static_cast<int>(is.height), static_cast<int>(is.width), CV_8UC3);
  const int count = is.colours();
  const unsigned char* from = samples.data();
  for (auto pixel = rgb.begin<cv::Vec3b>(); pixel != rgb.end<cv::Vec3b>(); ++pixel, from += is.kept()) {
    if (count == 1) {
      *pixel = colours[from[0]];
    } else if (count == 4) {
      const auto inverted = [from](int i) { return static_cast<unsigned char>(255 - from[i]); };
      *pixel = rgb_of_inverted_cmyk({inverted(0), inverted(1), inverted(2), inverted(3)});
    } else {
      *pixel = {from[0], from[1], from[2]};
    }
    if (is.premultiplied && count != 4)
      for (int c = 0; c < 3; ++c) (*pixel)[c] = divided((*pixel)[c], from[count]);
  }
  return rgb;
}

/// libtiff's own conversion, for YCbCr that is not compressed as JPEG: as PIL does.
cv::Mat read_by_libtiff(TiffReader& tiff, const Layout& is) {
  std::vector<std::uint32_t> pixels(std::size_t{is.width} * is.height);
  std::array<char, 1024> why{};
  require<BadImage>(TIFFRGBAImageOK(tiff.get(), why.data()), "a TIFF of a kind that is not read (",
                    why.data(), ")");
  const int done =
      TIFFReadRGBAImageOriented(tiff.get(), is.width, is.height, pixels.data(), is.orientation, 1);
  tiff.check();
  if (!done) tiff.fail();
  cv::Mat rgb(static_cast<int>(is.height), static_cast<int>(is.width), CV_8UC3);
  std::transform(pixels.begin(), pixels.end(), rgb.begin<cv::Vec3b>(), [](std::uint32_t p) {
    return cv::Vec3b(static_cast<unsigned char>(TIFFGetR(p)), static_cast<unsigned char>(TIFFGetG(p)),
                     static_cast<unsigned char>(TIFFGetB(p)));
  });
  return rgb;
}

/// Turned and mirrored to what the file says is upright, as PIL does for TIFF.
cv::Mat upright(const cv::Mat& image, int orientation) {
  const bool swapped = orientation >= ORIENTATION_LEFTTOP && orientation <= ORIENTATION_LEFTBOT;
  const cv::Mat turned = swapped ? cv::Mat(image.t()) : image;
  const bool mirror = orientation == ORIENTATION_TOPRIGHT || orientation == ORIENTATION_BOTRIGHT ||
                      orientation == ORIENTATION_RIGHTTOP || orientation == ORIENTATION_RIGHTBOT;
  const bool upside_down = orientation == ORIENTATION_BOTRIGHT || orientation == ORIENTATION_BOTLEFT ||
                           orientation == ORIENTATION_RIGHTBOT || orientation == ORIENTATION_LEFTBOT;
  if (!mirror && !upside_down) return turned;
  cv::Mat result;
  cv::flip(turned, result, mirror && upside_down ? -1 : mirror ? 1 : 0);
  return result;
}

}  // namespace

cv::Mat decode_tiff(Bytes file, long max_pixels) {
  TiffReader tiff(file);
  Layout is = layout_of(tiff);
  check_size(is.width, is.height, max_pixels);
  check_kind(tiff, is);
  constexpr long most_in_piece = 1L << 26;
  require<BadImage>(is.piece_width > 0 && is.piece_height > 0, "a damaged TIFF: its pieces have no size");
  check_size(is.piece_width, is.piece_height, std::max(max_pixels, most_in_piece));
  const bool ycc = is.photometric == PHOTOMETRIC_YCBCR && is.samples >= 3;
  const bool jpeg = is.compression == COMPRESSION_JPEG && !is.planes();
  if (ycc && jpeg) TIFFSetField(tiff.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  tiff.reading_pixels();
  const cv::Mat rgb = ycc && !jpeg ? read_by_libtiff(tiff, is) : to_rgb(tiff, is, read_samples(tiff, is));
  return upright(rgb, is.orientation);
}

}  // namespace xai::internal
