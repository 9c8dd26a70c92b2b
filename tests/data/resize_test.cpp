#include "xai/data/resize.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <opencv2/core.hpp>

#include "python.hpp"
#include "temporary_folder.hpp"
#include "xai/core/file.hpp"

namespace xai {
namespace {

cv::Mat noise(int height, int width) {
  cv::Mat image(height, width, CV_8UC3);
  cv::RNG random(7);
  random.fill(image, cv::RNG::UNIFORM, 0, 256);
  return image;
}

std::string bytes_of(const cv::Mat& image) {
  const cv::Mat whole = image.isContinuous() ? image : image.clone();
  return {reinterpret_cast<const char*>(whole.data), whole.total() * whole.elemSize()};
}

TEST(Resize, EqualsPilToTheBit) {
  if (!std::filesystem::exists(python()))
    GTEST_SKIP() << "needs PIL of " << python() << ": run scripts/setup.sh";
  const TemporaryFolder folder;
  const cv::Mat image = noise(61, 83);
  std::ofstream(folder / "image", std::ios::binary) << bytes_of(image);
  int compared = 0;
  for (const auto& [height, width] :
       {std::pair{24, 32}, {61, 40}, {20, 83}, {90, 120}, {200, 30}, {1, 1}, {61, 83}})
    for (const Interpolation interpolation : {Interpolation::bilinear, Interpolation::bicubic}) {
      const std::string name = interpolation == Interpolation::bilinear ? "BILINEAR" : "BICUBIC";
      const std::string code = cat("from PIL import Image; import sys; f = sys.argv[1]; ",
                                   "i = Image.frombytes('RGB', (83, 61), open(f + '/image', 'rb').read()); ",
                                   "i = i.resize((", width, ", ", height, "), Image.Resampling.", name, "); ",
                                   "open(f + '/golden', 'wb').write(i.tobytes())");
      ASSERT_EQ(std::system(cat(python().string(), " -c \"", code, "\" ", folder.path().string()).c_str()),
                0);
      EXPECT_EQ(bytes_of(resize(image, height, width, interpolation)), read_file(folder / "golden"))
          << height << " x " << width << " " << name;
      ++compared;
    }
  EXPECT_EQ(compared, 14);
}

TEST(Resize, KeepsAConstantImage) {
  const cv::Mat image(50, 40, CV_8UC3, cv::Scalar(7, 130, 255));
  for (const Interpolation interpolation : {Interpolation::bilinear, Interpolation::bicubic}) {
    const cv::Mat resized = resize(image, 31, 77, interpolation);
    EXPECT_EQ(
        cv::countNonZero(resized.reshape(1) != cv::Mat(31, 77, CV_8UC3, cv::Scalar(7, 130, 255)).reshape(1)),
        0);
  }
}

}  // namespace
}  // namespace xai
