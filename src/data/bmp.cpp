// A reader of our own: the formats are few, and PIL rounds 16 bits otherwise than OpenCV and reads more of
// them.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "decoders.hpp"
#include "xai/core/error.hpp"

namespace xai::internal {
namespace {

constexpr std::size_t file_header = 14;
constexpr std::size_t core_header = 12;  // of OS/2 1
constexpr std::array<std::size_t, 7> headers{core_header, 40, 52, 56, 64, 108, 124};
constexpr std::size_t masks_at = 54;  // behind a header of 40 bytes, or in a longer one

enum Compression : std::uint32_t { none = 0, rle8 = 1, rle4 = 2, bitfields = 3 };

/// Which bits of a pixel are red, green, blue and alpha.
struct Masks {
  unsigned bits;
  std::array<std::uint32_t, 4> of;
  bool operator==(const Masks&) const = default;
};

// All that PIL reads; the first of a depth stands for files that name none.
constexpr auto known_masks = std::to_array<Masks>({
    {16, {0x7C00, 0x03E0, 0x001F, 0}},
    {16, {0xF800, 0x07E0, 0x001F, 0}},
    {24, {0xFF0000, 0xFF00, 0xFF, 0}},
    {32, {0xFF0000, 0xFF00, 0xFF, 0}},
    {32, {0xFF0000, 0xFF00, 0xFF, 0xFF000000}},
    {32, {0xFF, 0xFF00, 0xFF0000, 0xFF000000}},
    {32, {0xFF000000, 0xFF0000, 0xFF00, 0}},
    {32, {0xFF000000, 0xFF0000, 0xFF00, 0xFF}},
    {32, {0xFF000000, 0xFF00, 0xFF, 0}},
    {32, {0xFF000000, 0xFF00, 0xFF, 0xFF0000}},
});

BadImage truncated() {
  return BadImage("a truncated BMP: it ends too early");
}

std::uint32_t number(Bytes file, std::size_t at, std::size_t bytes) {
  if (at + bytes > file.size()) throw truncated();
  std::uint32_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | file[at + i];
  return value;
}

/// What the headers say.
struct Layout {
  long width, height;
  bool top_down;  ///< the first row stored is the uppermost
  unsigned bits;  ///< a pixel
  std::uint32_t compression;
  std::size_t colours;  ///< of the palette; 0 where a pixel is no index
  std::size_t palette_at, palette_entry;
  std::size_t pixels_at;

  std::size_t row_bytes() const { return (static_cast<std::size_t>(width) * bits + 31) / 32 * 4; }
};

Layout layout_of(Bytes file) {
  Layout is{};
  const std::size_t header = number(file, file_header, 4);
  require<BadImage>(std::find(headers.begin(), headers.end(), header) != headers.end(),
                    "a BMP with a header of ", header, " bytes, which is not read; convert it to PNG");
  const bool core = header == core_header;
  number(file, file_header + header - 1, 1);  // the header is whole
  if (core) {
    is.width = number(file, 18, 2);
    is.height = number(file, 20, 2);
    is.bits = number(file, 24, 2);
  } else {
    is.width = static_cast<std::int32_t>(number(file, 18, 4));
    const long height = static_cast<std::int32_t>(number(file, 22, 4));
    is.top_down = height < 0;
    is.height = std::abs(height);
    is.bits = number(file, 28, 2);
    is.compression = number(file, 30, 4);
  }
  is.palette_entry = core ? 3 : 4;
  is.palette_at = file_header + header;
  is.pixels_at = number(file, 10, 4);
  if (is.bits <= 8) {
    is.colours = core ? 0 : number(file, 46, 4);
    if (is.colours == 0) is.colours = std::size_t{1} << is.bits;
  }
  const std::size_t behind_headers =
      is.palette_at + (header == 40 && is.compression == bitfields ? 3 * 4 : 0);
  // as PIL: without an offset, or with one that forgets the palette
  if (is.pixels_at == 0 || (is.pixels_at == is.palette_at && is.colours > 0))
    is.pixels_at = behind_headers + is.colours * is.palette_entry;
  return is;
}

void check_kind(const Layout& is) {
  constexpr std::array depths{1, 4, 8, 16, 24, 32};
  require<BadImage>(std::find(depths.begin(), depths.end(), is.bits) != depths.end(), "a BMP of ", is.bits,
                    " bits a pixel, which is not read; convert it to PNG");
  const bool fits = is.compression == none || (is.compression == rle8 && is.bits == 8) ||
                    (is.compression == rle4 && is.bits == 4) || (is.compression == bitfields && is.bits > 8);
  require<BadImage>(fits, "a BMP of compression ", is.compression, " with ", is.bits,
                    " bits a pixel, which is not read; convert it to PNG");
  require<BadImage>(is.colours <= 256, "a damaged BMP: a palette of ", is.colours, " colours");
}

/// As PIL: colours that the palette lacks are black.
std::array<cv::Vec3b, 256> palette_of(Bytes file, const Layout& is) {
  std::array<cv::Vec3b, 256> palette{};
  std::size_t at = is.palette_at;
  for (std::size_t i = 0; i < is.colours && at + is.palette_entry <= file.size(); ++i, at += is.palette_entry)
    palette[i] = {file[at + 2], file[at + 1], file[at]};
  return palette;
}

Masks masks_of(Bytes file, const Layout& is) {
  Masks masks{is.bits, {}};
  if (is.compression == bitfields) {
    const std::size_t header = number(file, file_header, 4);
    const std::size_t count = header >= 56 && is.bits == 32 ? 4 : 3;
    for (std::size_t i = 0; i < count; ++i) masks.of[i] = number(file, masks_at + 4 * i, 4);
  }
  if (masks.of == decltype(masks.of){} && (is.compression == none || is.bits == 32))
    return *std::find_if(known_masks.begin(), known_masks.end(),
                         [&](const Masks& known) { return known.bits == is.bits; });
  require<BadImage>(
      std::find(known_masks.begin(), known_masks.end(), masks) != known_masks.end(),
      "a BMP whose colours lie in other bits than is usual, which is not read; convert it to PNG");
  return masks;
}

/// One colour of a pixel.
class Channel {
 public:
  explicit Channel(std::uint32_t mask) : shift_(std::countr_zero(mask)), most_(mask >> shift_) {
    for (unsigned v = 0; v <= most_; ++v) levels_[v] = static_cast<unsigned char>(v * 255 / most_);  // as PIL
  }
  unsigned char operator()(std::uint32_t pixel) const { return levels_[pixel >> shift_ & most_]; }

 private:
  int shift_;
  std::uint32_t most_;
  std::array<unsigned char, 256> levels_{};
};

/// The palette indices of RLE4 or RLE8, a byte each, row by row as they are stored.
///
/// As PIL: skipped pixels have index 0, a run ends with its row (a verbatim one does not), an end of line at
/// the beginning of a row skips nothing, and all pixels must be there.
std::vector<unsigned char> read_runs(Bytes file, const Layout& is) {
  const auto width = static_cast<std::size_t>(is.width);
  const std::size_t total = width * static_cast<std::size_t>(is.height);
  std::vector<unsigned char> indices(total);
  std::size_t at = is.pixels_at, pixel = 0, x = 0;
  const auto byte = [&] { return number(file, at++, 1); };
  const auto put = [&](std::uint32_t pair, std::size_t i) {
    const std::uint32_t index = is.compression == rle8 ? pair : i % 2 == 0 ? pair >> 4 : pair & 0xF;
    if (pixel < total) indices[pixel++] = static_cast<unsigned char>(index);
  };
  enum Escape : std::uint32_t { end_of_line, end_of_bitmap, skip };
  for (;;) {
    const std::size_t count = byte();
    const std::uint32_t value = byte();
    if (count > 0) {
      const std::size_t here = std::min(count, width - std::min(x, width));
      for (std::size_t i = 0; i < here; ++i) put(value, i);
      x += here;
    } else if (value == end_of_line) {
      pixel = (pixel + width - 1) / width * width;
      x = 0;
    } else if (value == end_of_bitmap) {
      require<BadImage>(pixel == total, "a damaged BMP: pixels are missing");
      return indices;
    } else if (value == skip) {
      const std::size_t right = byte(), rows = byte();
      pixel = std::min(total, pixel + right + rows * width);
      x = pixel % width;
    } else {
      std::uint32_t pair = 0;
      for (std::size_t i = 0; i < value; ++i) {
        if (is.compression == rle8 || i % 2 == 0) pair = byte();
        put(pair, i);
      }
      x += value;
      at += at % 2;
    }
  }
}

}  // namespace

cv::Mat decode_bmp(Bytes file, long max_pixels) {
  const Layout is = layout_of(file);
  check_size(is.width, is.height, max_pixels);
  check_kind(is);
  const auto palette = palette_of(file, is);
  std::vector<unsigned char> runs;
  if (is.compression == rle4 || is.compression == rle8) {
    runs = read_runs(file, is);
  } else {
    const std::size_t rest = file.size() - std::min(file.size(), is.pixels_at);
    if (rest / is.row_bytes() < static_cast<std::size_t>(is.height)) throw truncated();
  }
  cv::Mat rgb(static_cast<int>(is.height), static_cast<int>(is.width), CV_8UC3);
  const auto width = static_cast<std::size_t>(is.width);
  const auto fill = [&](const auto& colour_at) {  // of a pixel in a row as it is stored
    for (int y = 0; y < rgb.rows; ++y) {
      auto* const pixels = rgb.ptr<cv::Vec3b>(is.top_down ? y : rgb.rows - 1 - y);
      for (std::size_t x = 0; x < width; ++x) pixels[x] = colour_at(static_cast<std::size_t>(y), x);
    }
  };
  const unsigned char* const stored = file.data() + is.pixels_at;
  if (!runs.empty()) {
    fill([&](std::size_t row, std::size_t x) { return palette[runs[row * width + x]]; });
  } else if (is.colours > 0) {
    fill([&](std::size_t row, std::size_t x) {
      const std::size_t bit = x * is.bits;
      const unsigned byte = stored[row * is.row_bytes() + bit / 8];
      return palette[byte >> (8 - is.bits - bit % 8) & ((1U << is.bits) - 1)];
    });
  } else {
    const Masks masks = masks_of(file, is);
    const Channel red(masks.of[0]), green(masks.of[1]), blue(masks.of[2]);
    const std::size_t bytes = is.bits / 8;
    fill([&](std::size_t row, std::size_t x) {
      const unsigned char* const at = stored + row * is.row_bytes() + x * bytes;
      std::uint32_t pixel = 0;
      for (std::size_t i = bytes; i-- > 0;) pixel = pixel << 8 | at[i];
      return cv::Vec3b(red(pixel), green(pixel), blue(pixel));
    });
  }
  return rgb;
}

}  // namespace xai::internal
