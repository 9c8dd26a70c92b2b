#include "xai/picture/picture.hpp"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <set>

#include "fixtures/legend.hpp"
#include "temporary_folder.hpp"
#include "xai/core/error.hpp"
#include "xai/core/file.hpp"
#include "xai/data/image.hpp"

namespace xai {
namespace {

constexpr int blue = 250;

/// A photograph whose pixels tell where they are: red = column, green = row, blue = 250.
cv::Mat map_of_itself(int height, int width) {
  cv::Mat picture(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      picture.at<cv::Vec3b>(y, x) = cv::Vec3b(cv::saturate_cast<uchar>(x), cv::saturate_cast<uchar>(y), blue);
  return picture;
}

MseResult found(std::vector<PatchSet> sets) {
  MseResult result;
  result.p_full = 0.9;
  for (const PatchSet& set : sets)
    result.mses.push_back({set, 0.85, 0.94, true, Certificate::all_subsets, set.size()});
  return result;
}

/// How often each pixel of the photograph shows at full strength in its place in a tile right of the
/// photograph.
cv::Mat shown_pixels(const cv::Mat& picture, const cv::Mat& photograph, cv::Point first_tile) {
  cv::Mat shown = cv::Mat::zeros(photograph.size(), CV_8U);
  for (int y = 0; y < photograph.rows; ++y)
    for (int x = 0; x < photograph.cols; ++x)
      shown.at<uchar>(y, x) =
          picture.at<cv::Vec3b>(first_tile.y + y, first_tile.x + x) == photograph.at<cv::Vec3b>(y, x);
  return shown;
}

/// The corner of the first tile: its patch 0 is shown, and the photograph's first pixel is (0, 0, blue).
cv::Point first_tile(const cv::Mat& picture, int photograph_width) {
  std::vector<cv::Point> corners;
  for (int y = 0; y < picture.rows; ++y)
    for (int x = 0; x < picture.cols; ++x)
      if (picture.at<cv::Vec3b>(y, x) == cv::Vec3b(0, 0, blue)) corners.emplace_back(x, y);
  EXPECT_EQ(corners.size(), 2U) << "the photograph's and the tile's";
  EXPECT_GE(corners.back().x - corners.front().x, photograph_width);
  return corners.back();
}

TEST(Picture, HardMasksShowTheirBlocksAndNothingElse) {
  const cv::Mat photograph = map_of_itself(224, 224);
  const auto picture =
      mse_picture(photograph, "a.JPEG", "cat", found({{0, 24}}), {.grid = 7}, MaskKind::hard);
  const cv::Mat shown = shown_pixels(picture, photograph, first_tile(picture, 224));
  for (int y = 0; y < 224; ++y)
    for (int x = 0; x < 224; ++x) {
      const bool first = y < 32 && x < 32, centre = 96 <= y && y < 128 && 96 <= x && x < 128;
      const bool on_line = x % 32 == 31 || y % 32 == 31;  // the grid's lines lie on the blocks' last pixels
      if (on_line) continue;
      EXPECT_EQ(shown.at<uchar>(y, x) != 0, first || centre) << y << " " << x;
    }
}

TEST(Picture, SoftMasksFadeAsTheTentsDo) {
  const cv::Mat photograph = map_of_itself(223 + 2, 223 + 2);  // tents' centres at multiples of 224 / 8 = 28
  const auto picture = mse_picture(photograph, "a", "cat", found({{0, 40}}), {.grid = 9}, MaskKind::soft);
  const auto tile = first_tile(picture, 225);
  const auto strength = [&](int y, int x) { return picture.at<cv::Vec3b>(tile.y + y, tile.x + x)[2]; };
  const int hidden = strength(112, 112 + 60);
  EXPECT_EQ(strength(112, 112), blue);   // patch 40 = row 4, column 4
  for (const int away : {4, 8, 17, 22})  // not 14: there runs a grid line
    EXPECT_NEAR(strength(112, 112 + away), blue + (hidden - blue) * away / 28.0, 3) << away;
  EXPECT_NEAR(strength(112 + 28, 112), hidden, 3);
  EXPECT_LT(hidden, blue / 2);
}

TEST(Picture, ShowsTheDiverseFamilyThenSmallThenHighRatio) {
  MseResult result = found({{1}, {2}, {3, 4}, {5, 6}, {7, 8}, {9, 10, 11}, {12, 13, 14}, {15, 16, 17, 18}});
  result.mses[4].ratio = 0.99;
  result.mses[1].ratio = 0.97;
  result.diverse_members = {0, 3, 7};
  EXPECT_EQ(shown_mses(result, 6), (std::vector<int>{0, 3, 7, 1, 4, 2}));
  EXPECT_EQ(shown_mses(result, 100).size(), 8U);
  EXPECT_TRUE(shown_mses(MseResult(), 6).empty());
}

TEST(Picture, WithoutMsesSaysWhyAndDiffersByReason) {
  const cv::Mat photograph = map_of_itself(224, 224);
  std::set<std::string> pictures;
  for (const auto status :
       {MseStatus::ok, MseStatus::baseline_sufficient, MseStatus::zero_probability, MseStatus::wrong}) {
    MseResult result;
    result.status = status;
    result.p_full = 0.5;
    pictures.insert(encode_png(mse_picture(photograph, "a", "cat", result, {}, MaskKind::soft)));
  }
  for (const Sufficient sense : {Sufficient::top1, Sufficient::both}) {  // names what is kept
    MseOptions options;
    options.sufficient = sense;
    MseResult result;
    result.p_full = 0.5;
    pictures.insert(encode_png(mse_picture(photograph, "a", "cat", result, options, MaskKind::soft)));
  }
  EXPECT_EQ(pictures.size(), 6U);
}

TEST(Picture, TakesAnySizeAndAnyText) {
  const std::string long_name(300, 'w');
  for (const auto& [height, width] : {std::pair(32, 32), {240, 320}, {600, 200}}) {
    const auto picture = mse_picture(map_of_itself(height, width), long_name, long_name + " \xC3\xA9 \xff",
                                     found(std::vector<PatchSet>(9, PatchSet{3})), {}, MaskKind::soft);
    EXPECT_GE(picture.rows, 2 * 224);
    EXPECT_LE(picture.rows, 2 * 384 + 280);
    const auto bare = mse_picture(map_of_itself(height, width), "", "", MseResult(), {}, MaskKind::hard);
    EXPECT_GE(bare.rows, 224);
  }
  EXPECT_THROW(mse_picture(cv::Mat(), "a", "b", MseResult(), {}, MaskKind::soft), Error);
  EXPECT_THROW(mse_picture(cv::Mat(9, 9, CV_32FC3), "a", "b", MseResult(), {}, MaskKind::soft), Error);
}

TEST(Picture, SaysWhatItsPartsAre) {
  EXPECT_TRUE(testing::has_legend(
      mse_picture(map_of_itself(224, 224), "a", "cat", found({{0, 24}}), {.grid = 7}, MaskKind::soft)));
}

TEST(Picture, PngKeepsEveryPixelInRgbOrder) {
  const TemporaryFolder folder;
  for (const auto& [height, width] : {std::pair(20, 30), {1, 1}, {300, 517}}) {
    const cv::Mat wide = map_of_itself(height, width + 5);
    const cv::Mat picture = wide.colRange(3, width + 3);  // rows that do not follow each other in memory
    write_file_atomically(folder / "a.png", encode_png(picture));
    const cv::Mat read = read_photograph(folder / "a.png", 1 << 20).rgb;
    ASSERT_EQ(read.size(), picture.size());
    EXPECT_EQ(cv::norm(read, picture, cv::NORM_INF), 0) << height << " x " << width;
  }
}

TEST(Picture, PngOfWhatIsNoPictureIsAnError) {
  EXPECT_THROW(encode_png(cv::Mat()), Error);
  EXPECT_THROW(encode_png(cv::Mat(9, 9, CV_8U)), Error);
  EXPECT_THROW(encode_png(cv::Mat(9, 9, CV_32FC3)), Error);
  const cv::Mat too_wide = cv::Mat::zeros(1, 1'000'001, CV_8UC3);
  ::testing::internal::CaptureStderr();
  try {
    encode_png(too_wide);
    ADD_FAILURE() << "libpng's limit is a million";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "cannot make a PNG of 1000001 x 1 pixels (Invalid IHDR data)");
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace xai
