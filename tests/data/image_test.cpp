#include "xai/data/image.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <opencv2/core.hpp>
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
std::string complaint(const fs::path& file, long limit = max_pixels) {
  try {
    read_photograph(file, limit);
    return "";
  } catch (const DataError& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find(file.string()), std::string::npos) << what;
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
    return what;
  }
}

void write(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
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
  ASSERT_GT(golden_.size(), 100U);
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
  for (const auto* name : {"rgb-420.jpg",    "progressive.jpg", "restart-markers.jpg",
                           "cmyk.jpg",       "thumbnail.jpg",   "rgb.png",
                           "palette-16.png", "interlaced.png",  "rgb-16.png",
                           "raw.tif",        "tiff_lzw.tif",    "tiff_adobe_deflate.tif",
                           "packbits.tif",   "jpeg.tif",        "tiles.tif",
                           "planes.tif",     "big-endian.tif",  "palette.gif",
                           "interlaced.gif", "moving.gif",      "rgb.ppm",
                           "grey-16.pgm",    "bits.pbm"}) {
    const std::string whole = bytes_of(name);
    const auto cut = *folder_ / "cut";
    for (std::size_t length = 1; length < whole.size(); length += length < 64 ? 1 : 61) {
      write(cut, whole.substr(0, length));
      EXPECT_NE(complaint(cut), "") << name << " cut to " << length << " of " << whole.size();
    }
    write(cut, whole.substr(0, whole.size() - 1));
    EXPECT_TRUE(says(complaint(cut), "truncated")) << name << " without its last byte";
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(ImageKinds, TruncatedBmpAndWebpAreRefused) {
  for (const auto* name : {"rgb.bmp", "palette.bmp", "lossy.webp", "lossless.webp", "alpha.webp"}) {
    const std::string whole = bytes_of(name);
    const auto cut = *folder_ / "cut";
    for (const std::size_t length :
         {whole.size() - 2, whole.size() / 2, std::size_t{40}, std::size_t{20}, std::size_t{13}}) {
      write(cut, whole.substr(0, length));
      EXPECT_NE(complaint(cut), "") << name << " cut to " << length << " of " << whole.size();
    }
  }
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
