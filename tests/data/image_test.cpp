#include "xai/data/image.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <opencv2/core.hpp>
#include <random>
#include <string>
#include <vector>

#include "python.hpp"
#include "says.hpp"
#include "temporary_folder.hpp"
#include "xai/core/error.hpp"
#include "xai/core/file.hpp"
#include "xai/core/hash.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;

constexpr long max_pixels = 100'000'000;

fs::path shared_data() {
  const char* const folder = std::getenv("XAI_SHARED_DATA");
  return folder ? fs::path(folder) : fs::path(XAI_SOURCE_DIR) / "../shared/data";
}

/// PIL's pixels of one file.
struct Golden {
  fs::path file;
  cv::Mat rgb;
};

/// Runs make_images.py.
std::vector<Golden> make_golden(const fs::path& out, const std::string& files = "") {
  const auto command = cat(python().string(), " -W ignore ", XAI_SOURCE_DIR, "/tests/data/make_images.py ",
                           out.string(), files);
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  std::vector<Golden> golden;
  std::ifstream list(out / "golden.tsv");
  int width, height;
  for (std::string file, raw; std::getline(list, file, '\t') && list >> width >> height >> raw;) {
    list.ignore(1);
    const std::string bytes = read_file(raw);
    cv::Mat rgb(height, width, CV_8UC3);
    if (bytes.size() != rgb.total() * 3) throw std::runtime_error("size of " + raw);
    std::copy(bytes.begin(), bytes.end(), rgb.data);
    golden.push_back({file, rgb});
  }
  return golden;
}

/// The largest difference of a byte; 256 for unequal shapes.
double greatest_difference(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size() || a.type() != b.type()) return 256;
  return cv::norm(a, b, cv::NORM_INF);
}

/// What read_photograph() complains about; "" if it does not.
std::string complaint(const ImageSource& source, long limit = max_pixels) {
  try {
    read_photograph(source, limit);
    return "";
  } catch (const DataError& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find(source.file.string()), std::string::npos) << what;
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
    return what;
  }
}

void write(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

/// `bytes` with the little-endian `value` of `count` bytes at `at`.
std::string patched(std::string bytes, std::size_t at, std::size_t count, std::uint32_t value) {
  for (std::size_t i = 0; i < count; ++i) bytes[at + i] = static_cast<char>(value >> 8 * i);
  return bytes;
}

/// The made images, once for all tests of a process.
class ImageKinds : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!fs::exists(python())) return;
    folder_ = std::make_unique<TemporaryFolder>();
    golden_ = make_golden(folder_->path());
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override {
    if (!folder_) GTEST_SKIP() << "needs PIL of " << python() << ": run scripts/setup.sh";
  }
  static std::string bytes_of(const std::string& name) { return read_file(*folder_ / name); }

  inline static std::unique_ptr<TemporaryFolder> folder_;
  inline static std::vector<Golden> golden_;
};

TEST_F(ImageKinds, AreReadAsByPilToTheBitAndSilently) {
  ASSERT_GT(golden_.size(), 250U);
  ::testing::internal::CaptureStderr();
  for (const auto& [file, rgb] : golden_) {
    const Photograph photograph = read_photograph(file, max_pixels);
    EXPECT_EQ(greatest_difference(photograph.rgb, rgb), 0) << file;
    EXPECT_EQ(photograph.content, sha256_file(file));
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(ImageKinds, CutAnywhereAreRefusedSilently) {
  ::testing::internal::CaptureStderr();
  for (const auto* name : {"rgb-420.jpg",
                           "progressive.jpg",
                           "restart-markers.jpg",
                           "cmyk.jpg",
                           "thumbnail.jpg",
                           "rgb.png",
                           "palette-16.png",
                           "interlaced.png",
                           "rgb-16.png",
                           "raw.tif",
                           "tiff_lzw.tif",
                           "tiff_adobe_deflate.tif",
                           "packbits.tif",
                           "jpeg.tif",
                           "tiles.tif",
                           "planes.tif",
                           "big-endian.tif",
                           "palette.gif",
                           "interlaced.gif",
                           "moving.gif",
                           "rgb.ppm",
                           "grey-16.pgm",
                           "bits.pbm",
                           "rgb.bmp",
                           "one-pixel.bmp",
                           "indices-1-header-12.bmp",
                           "indices-4-header-40.bmp",
                           "indices-8-header-124.bmp",
                           "indices-8-offset-0.bmp",
                           "bits-16-core.bmp",
                           "bits-565-offset-0.bmp",
                           "bits-32-RGBA.bmp",
                           "rle8.bmp",
                           "rle4.bmp",
                           "rle8-skips.bmp",
                           "lossy-50.webp",
                           "lossy-1x1.webp",
                           "lossless-1x1.webp",
                           "lossless-palette.webp",
                           "lossy-alpha.webp",
                           "metadata.webp",
                           "moving-in-part-alpha.webp",
                           "moving-in-part-lossless.webp"}) {
    ImageSource cut(*folder_ / name);
    const auto size = fs::file_size(cut.file);
    const bool small = size < 4000;
    for (cut.size = 1; *cut.size < size; *cut.size += small || *cut.size < 64 ? 1 : 61)
      EXPECT_NE(complaint(cut), "") << name << " cut to " << *cut.size << " of " << size;
    cut.size = size - 1;
    EXPECT_TRUE(says(complaint(cut), "truncated")) << name << " without its last byte";
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(ImageKinds, BmpsThatAreNotReadSayWhy) {
  const std::string rgb = bytes_of("bits-24-header-40.bmp"), indices = bytes_of("indices-8-header-40.bmp"),
                    masks = bytes_of("bits-565-header-40.bmp"), runs = bytes_of("rle8-skips.bmp");
  constexpr std::size_t header = 14, width = 18, height = 22, depth = 28, compression = 30, colours = 46,
                        red = 54;
  constexpr std::uint32_t largest = 0x7FFFFFFF, smallest = 0x80000000;
  const auto sized = [&](std::uint32_t columns, std::uint32_t rows) {
    return patched(patched(rgb, width, 4, columns), height, 4, rows);
  };
  const auto file = *folder_ / "bad.bmp";
  for (const auto& [content, why] : std::vector<std::pair<std::string, std::string>>{
           {patched(rgb, header, 4, 41), "a BMP with a header of 41 bytes, which is not read"},
           {patched(rgb, header, 4, 0xFFFFFFFF),
            "a BMP with a header of 4294967295 bytes, which is not read"},
           {patched(indices, depth, 2, 2), "a BMP of 2 bits a pixel, which is not read"},
           {patched(rgb, depth, 2, 0), "a BMP of 0 bits a pixel, which is not read"},
           {patched(rgb, depth, 2, 65535), "a BMP of 65535 bits a pixel, which is not read"},
           {patched(rgb, compression, 4, 4),
            "a BMP of compression 4 with 24 bits a pixel, which is not read"},
           {patched(rgb, compression, 4, 1),
            "a BMP of compression 1 with 24 bits a pixel, which is not read"},
           {patched(indices, compression, 4, 2), "a BMP of compression 2 with 8 bits a pixel"},
           {patched(indices, compression, 4, 3), "a BMP of compression 3 with 8 bits a pixel"},
           {patched(indices, colours, 4, 257), "a damaged BMP: a palette of 257 colours"},
           {patched(indices, colours, 4, 0xFFFFFFFF), "a damaged BMP: a palette of 4294967295 colours"},
           {patched(masks, red, 4, 0xF000), "a BMP whose colours lie in other bits than is usual"},
           {patched(masks, red, 4, 0), "a BMP whose colours lie in other bits than is usual"},
           {patched(rgb, 10, 4, 0xFFFFFFFF), "a truncated BMP"},
           {patched(runs, runs.size() - 1, 1, 0), "a truncated BMP"},
           {patched(runs, runs.size() - 6, 2, 0x100), "a damaged BMP: pixels are missing"},
           {sized(0, 5), "an image of 0 x 5 pixels"},
           {sized(5, 0), "an image of 5 x 0 pixels"},
           {sized(0xFFFFFFFF, 5), "an image of -1 x 5 pixels"},
           {sized(30000, 30000), "30000 x 30000 pixels, more than the limit"},
           {sized(largest, smallest), "2147483647 x 2147483648 pixels, more than the limit"},
           {sized(10000, 10000), "a truncated BMP"}}) {
    write(file, content);
    EXPECT_TRUE(says(complaint(file), why));
  }
  write(file, sized(largest, smallest));  // no size overflows
  write(file, sized(largest, smallest));
  EXPECT_TRUE(says(complaint(file, std::numeric_limits<long>::max()), "no side may have more"));
}

TEST_F(ImageKinds, WebpsLargerThanTheirHeadersSayAreRefused) {
  const auto file = *folder_ / "bad.webp";
  const std::string whole = bytes_of("moving-in-part-lossless.webp");
  const std::size_t frame = whole.find("VP8L");  // its first: 67 x 45 pixels in 14 bits each, less one
  ASSERT_NE(frame, std::string::npos);
  constexpr std::uint32_t sides = 66 | 44 << 14;
  ASSERT_TRUE(patched(whole, frame + 9, 4, sides) == whole);
  for (const std::uint32_t other : {sides + 1, sides + (1 << 14), sides | 0x3FFF, sides | 0x3FFF << 14}) {
    write(file, patched(whole, frame + 9, 4, other));
    EXPECT_TRUE(says(complaint(file), "damaged WebP")) << other;
  }
  const std::size_t place = whole.find("ANMF") + 8;  // half of x and half of y, 3 bytes each
  for (const std::size_t at : {place, place + 3}) {
    write(file, patched(whole, at, 3, 18));  // 36 + 67 > 100, and 36 + 45 > 80
    EXPECT_TRUE(says(complaint(file), "damaged WebP")) << at;
  }
  write(file, patched(patched(bytes_of("metadata.webp"), 24, 3, 16383), 27, 3, 16383));
  EXPECT_NE(complaint(file), "");
}

TEST_F(ImageKinds, MutatedBmpsAndWebpsAreReadOrRefusedInOneLine) {
  std::mt19937 random(7);  // NOLINT: the same files every time
  const auto up_to = [&](std::size_t most) { return random() % (most + 1); };
  const auto mutated = [&](std::string bytes) {
    for (std::size_t changes = 1 + up_to(3); changes > 0; --changes) {
      const bool header = random() % 2 == 0;
      const std::size_t at = up_to((header ? std::min<std::size_t>(80, bytes.size()) : bytes.size()) - 1);
      switch (random() % 5) {
        case 0:
          bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
          break;
        case 1:
          bytes[at] = "\0\1\x7F\x80\xFE\xFF"[random() % 6];
          break;
        case 2:
          bytes[at] = static_cast<char>(random());
          break;
        case 3:
          bytes.insert(at, bytes.substr(at, up_to(9)));
          break;
        default:
          if (bytes.size() > 30) bytes.erase(at, up_to(9));
      }
    }
    return bytes;
  };
  constexpr long limit = 1'000'000;
  std::map<std::string, int> read, refused;
  ImageSource image(*folder_ / "mutated");
  ::testing::internal::CaptureStderr();
  for (const auto& golden : golden_) {
    const std::string kind = golden.file.extension();
    if (kind != ".bmp" && kind != ".webp") continue;
    const std::string whole = read_file(golden.file);
    std::string all;  // one behind the other, as in a tar
    std::vector<std::size_t> ends{0};
    for (int i = 0; i < 40; ++i) {
      all += mutated(whole);
      ends.push_back(all.size());
    }
    write(image.file, all);
    for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
      image.offset = ends[i];
      image.size = ends[i + 1] - ends[i];
      ++(complaint(image, limit).empty() ? read : refused)[kind];
    }
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  for (const auto* kind : {".bmp", ".webp"}) {
    EXPECT_GT(read[kind], 100) << kind;
    EXPECT_GT(refused[kind], 100) << kind;
  }
  EXPECT_GT(read[".bmp"] + read[".webp"] + refused[".bmp"] + refused[".webp"], 5000);
}

TEST_F(ImageKinds, PlainPnmsCutOrDamagedAreRefused) {
  const auto file = *folder_ / "damaged";
  const std::string whole = bytes_of("plain.pgm");  // its last digit may be missing unnoticed
  for (const std::size_t length :
       {whole.size() - 5, whole.size() / 2, std::size_t{12}, std::size_t{9}, std::size_t{2}}) {
    write(file, whole.substr(0, length));
    EXPECT_NE(complaint(file), "") << length;
  }
  for (const auto& [content, why] :
       std::map<std::string, std::string>{{"P2 2 1 255 1 x", "a letter in the place of a number"},
                                          {"P2 2 1 255 1 256", "a number over 255"},
                                          {"P1 2 1 12", "neither 0 nor 1"},
                                          {"P5 2 1 0 ab", "its greatest value is 0"},
                                          {"P5 2 1 65536 ab", "a number over 65535"},
                                          {"P5 0 1 255 ", "an image of 0 x 1 pixels"},
                                          {"P5 99999999999 1 255 ab", "a number over"},
                                          {"P5 2 2 255 abc", "truncated"}}) {
    write(file, content);
    EXPECT_TRUE(says(complaint(file), why)) << content;
  }
}

TEST_F(ImageKinds, DamagedWithinAreRefused) {
  const auto damaged = *folder_ / "damaged";
  std::string png = bytes_of("rgb.png");
  png[png.size() / 2] ^= 1;
  write(damaged, png);
  EXPECT_TRUE(says(complaint(damaged), "damaged PNG"));

  // a marker that ends the entropy-coded data of a JPEG too early, in an otherwise whole file
  std::string jpeg = bytes_of("rgb-420.jpg");
  jpeg.replace(jpeg.size() * 3 / 4, 2, "\xFF\xD9");
  write(damaged, jpeg);
  EXPECT_TRUE(says(complaint(damaged), "premature end"));

  std::string tiff = bytes_of("jpeg.tif");  // a JPEG within
  tiff.replace(tiff.find("\xFF\xDA") + 400, 2, "\xFF\xD9");
  write(damaged, tiff);
  EXPECT_TRUE(says(complaint(damaged), "damaged TIFF"));
  std::string lzw = bytes_of("tiff_lzw.tif");
  lzw.replace(12, 200, 200, '\xFF');
  write(damaged, lzw);
  EXPECT_TRUE(says(complaint(damaged), "damaged TIFF"));

  std::string lossless = bytes_of("lossless.webp");
  lossless.replace(lossless.size() / 2, 200, 200, '\xFF');
  write(damaged, lossless);
  EXPECT_TRUE(says(complaint(damaged), "damaged WebP"));
  const std::string lossy = bytes_of("lossy-50.webp").substr(0, 400);  // in chunks that are whole
  write(damaged, patched(patched(lossy, 4, 4, 400 - 8), 16, 4, 400 - 20));
  EXPECT_TRUE(says(complaint(damaged), "its pixels end too early"));
}

TEST_F(ImageKinds, TooManyPixelsAreRefusedByTheHeader) {
  for (const auto& [file, rgb] : golden_) {
    const long pixels = static_cast<long>(rgb.total());
    EXPECT_TRUE(says(complaint(file, pixels - 1), "'max_pixels'")) << file;
    EXPECT_EQ(complaint(file, pixels), "") << file;
  }
}

TEST_F(ImageKinds, HugeJpegIsRefusedWithoutDecoding) {
  std::string jpeg = bytes_of("rgb-420.jpg");
  const auto frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\x75\x30\x75\x30");  // 30,000 twice
  const auto huge = *folder_ / "huge.jpg";
  write(huge, jpeg);
  EXPECT_TRUE(says(complaint(huge), "30000 x 30000 pixels"));
}

TEST_F(ImageKinds, JpegsOfManyScansAreRefused) {
  const std::string jpeg = bytes_of("progressive.jpg");
  const auto scan = jpeg.find("\xFF\xDA");
  auto end = scan + 2;
  while (jpeg[end] != '\xFF' || jpeg[end + 1] == '\0') ++end;
  std::string many = jpeg.substr(0, end);
  for (int i = 0; i < 20; ++i) many += jpeg.substr(scan, end - scan);
  write(*folder_ / "many.jpg", many + jpeg.substr(end));
  EXPECT_EQ(complaint(*folder_ / "many.jpg"), "");
  for (int i = 0; i < 100; ++i) many += jpeg.substr(scan, end - scan);
  write(*folder_ / "many.jpg", many + jpeg.substr(end));
  EXPECT_TRUE(says(complaint(*folder_ / "many.jpg"), "more than 100 scans"));
}

TEST_F(ImageKinds, TiffsOfSidesWhoseProductDoesNotFitAreRefused) {
  std::string tiff = bytes_of("raw.tif");  // little-endian, entries of 12 bytes
  for (const char* tag : {"\x00\x01", "\x01\x01"}) {
    const auto at = tiff.find(std::string(tag, 2) + std::string("\4\0\1\0\0\0", 6));
    ASSERT_NE(at, std::string::npos);
    tiff.replace(at + 8, 4, "\xFF\xFF\xFF\xFF");
  }
  write(*folder_ / "huge.tif", tiff);
  EXPECT_NE(complaint(*folder_ / "huge.tif", std::numeric_limits<long>::max()), "");
}

TEST(Image, HugePngIsRefusedWithoutDecoding) {
  const TemporaryFolder folder;
  const std::string header(
      "\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\x75\x30\0\0\x75\x30\x08\x02\0\0\0\xE9"
      "\x45"
      "\x6F"
      "\xED"
      "\0\0\0\x01IDAT",
      41);
  write(folder / "huge.png", header);
  EXPECT_TRUE(says(complaint(folder / "huge.png"), "30000 x 30000 pixels"));
}

TEST(Image, OfAnEndlessFileNoMoreIsReadThanItsPixelsMayTake) {
  const TemporaryFolder folder;
  write(folder / "sparse.png", "\x89PNG\r\n\x1A\n");
  fs::resize_file(folder / "sparse.png", std::uintmax_t{1} << 40);
  EXPECT_TRUE(says(complaint(folder / "sparse.png", 1000), "a file of more than 64 MB"));
}

TEST(Image, ErrorsSayWhatIsWrong) {
  const TemporaryFolder folder;
  const std::map<std::string, std::pair<std::string, std::string>> cases{
      {"empty.JPEG", {"", "empty"}},
      {"text.JPEG", {"This is a text file.\n", "not an image"}},
      {"moving.jpg", {"GIF89a\x01\0\x01\0", "damaged GIF"}},
      {"scan.png", {std::string("II*\0\x08\0\0\0", 8), "damaged TIFF"}},
      {"camera.cr2",
       {std::string("II*\0\x10\0\0\0CR\2\0", 12), "a camera's raw file (CR2), which is not read"}},
      {"phone.jpg",
       {std::string("\0\0\0\x18"
                    "ftypheic",
                    12),
        "HEIC"}},
      {"stub.jpg", {"\xFF\xD8\xFF", "truncated"}},
      {"stub.png", {"\x89PNG\r\n\x1A\n", "truncated"}},
      {"stub.bmp", {"BM", "truncated"}},
      {"stub.webp", {"RIFF\1\1\1\1WEBP", "truncated"}},
  };
  for (const auto& [name, content] : cases) {
    write(folder / name, content.first);
    EXPECT_TRUE(says(complaint(folder / name), content.second));
  }
  EXPECT_TRUE(says(complaint(folder / "missing.jpg"), "no such file"));
  EXPECT_TRUE(says(complaint(folder.path()), "not a regular file"));
}

TEST(Image, PhotographsAreReadAsByPilToTheBit) {
  if (!fs::exists(python())) GTEST_SKIP() << "needs PIL of " << python() << ": run scripts/setup.sh";
  const auto sample = shared_data() / "imagenet-sample";
  if (!fs::exists(sample)) GTEST_SKIP() << "needs the photographs in " << sample;
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(sample))
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  std::string chosen;
  constexpr std::size_t photographs = 40;
  ASSERT_GE(files.size(), photographs);
  for (std::size_t i = 0; i < photographs; ++i)
    chosen += " \"" + files[i * files.size() / photographs] + "\"";

  const TemporaryFolder folder;
  const auto golden = make_golden(folder.path(), chosen);
  ASSERT_EQ(golden.size(), photographs);
  for (const auto& [file, rgb] : golden)
    EXPECT_EQ(greatest_difference(read_photograph(file, max_pixels).rgb, rgb), 0) << file;
}

}  // namespace
}  // namespace xai
