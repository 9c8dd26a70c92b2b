#include "xai/picture/saliency_picture.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/core.hpp>

#include "fixtures/legend.hpp"
#include "fixtures/saliency_records.hpp"
#include "xai/core/error.hpp"
#include "xai/picture/picture.hpp"

namespace xai {
namespace {

/// What a map of one important cell gives on a grey photograph of 224 x 224 pixels.
cv::Mat picture_of_a_peak(int cell, const SaliencyFacts& facts = explained()) {
  std::vector<float> map(49, 0.1F);
  map[cell] = 0.9F;
  return saliency_picture(cv::Mat(224, 224, CV_8UC3, cv::Scalar(128, 128, 128)), explained_image, "cat", map,
                          {.size = 7}, facts);
}

/// The centre of the pixels that fulfil a condition; NaN without any.
template <class Condition>
cv::Point2d centre_of(const cv::Mat& picture, const Condition& condition) {
  double x = 0, y = 0, n = 0;
  for (int r = 0; r < picture.rows; ++r)
    for (int c = 0; c < picture.cols; ++c)
      if (condition(picture.at<cv::Vec3b>(r, c))) {
        x += c;
        y += r;
        ++n;
      }
  return {x / n, y / n};
}

bool is_yellow(const cv::Vec3b& rgb) {
  return rgb[0] > 180 && rgb[1] > 170 && rgb[2] < 90;
}

TEST(SaliencyPicture, TheImportantCellIsYellowWhereItLies) {
  const cv::Mat picture = picture_of_a_peak(0);
  const auto at = centre_of(picture, is_yellow);
  for (const auto& [row, column] : {std::pair(1, 4), {3, 3}, {5, 2}}) {
    const auto moved = centre_of(picture_of_a_peak(7 * row + column), is_yellow);
    // cells' centres are 223 / 6 pixels apart; that of cell 0 is the corner, of whose tent a quarter shows
    EXPECT_NEAR(moved.x - at.x, column * 223 / 6.0, 6) << row << " " << column;
    EXPECT_NEAR(moved.y - at.y, row * 223 / 6.0, 6) << row << " " << column;
  }
}

TEST(SaliencyPicture, AFlatMapHasOneColor) {
  const cv::Mat photograph(224, 224, CV_8UC3, cv::Scalar(128, 128, 128));
  const cv::Mat picture = saliency_picture(photograph, explained_image, "cat", std::vector<float>(49, 0.3F),
                                           {.size = 7}, explained());
  EXPECT_TRUE(std::isnan(centre_of(picture, is_yellow).x));
}

TEST(SaliencyPicture, CurvesStandWhereTheirValuesAre) {
  // insertion jumps to 1 at once, deletion falls to 0 at once: lines at the plot's top and bottom
  SaliencyFacts facts = explained();
  facts.insertion = Curve{{0, 1, 1, 1, 1, 1, 1, 1, 1}, 0.9};
  facts.deletion = Curve{{1, 0, 0, 0, 0, 0, 0, 0, 0}, 0.1};
  const auto is_blue = [](const cv::Vec3b& rgb) { return rgb == cv::Vec3b(0, 114, 178); };
  const auto is_orange = [](const cv::Vec3b& rgb) { return rgb == cv::Vec3b(213, 94, 0); };
  const auto plot = [&facts] { return picture_of_a_peak(0, facts).rowRange(28 + 66, 28 + 66 + 224); };
  const auto high = centre_of(plot(), is_blue);
  const auto low = centre_of(plot(), is_orange);
  EXPECT_LT(high.y + 90, low.y);
  std::swap(facts.insertion->values, facts.deletion->values);
  EXPECT_GT(centre_of(plot(), is_blue).y, centre_of(plot(), is_orange).y + 90);
}

TEST(SaliencyPicture, SaysWhatItsPartsAre) {
  EXPECT_TRUE(testing::has_legend(picture_of_a_peak(3)));
}

TEST(SaliencyPicture, WithoutScoresSaysWhy) {
  SaliencyFacts undefined = explained();
  undefined.insertion.reset();
  undefined.deletion.reset();
  const cv::Mat with = picture_of_a_peak(3), without = picture_of_a_peak(3, undefined);
  ASSERT_EQ(with.size(), without.size());
  EXPECT_NE(encode_png(with), encode_png(without));
}

TEST(SaliencyPicture, TakesAnySizeAndAnyCurve) {
  SaliencyFacts wild = explained();
  wild.insertion = Curve{{0, 40, -30, 1}, 3};
  wild.deletion = Curve{std::vector<double>(54, 0.5), 0.5};
  for (const auto& [height, width] : {std::pair(32, 32), {240, 320}, {600, 200}}) {
    const cv::Mat photograph(height, width, CV_8UC3, cv::Scalar(10, 20, 200));
    const auto picture =
        saliency_picture(photograph, {.image = std::string(300, 'w')}, std::string(300, 'c'),
                         std::vector<float>(28 * 28, -1), {.metric = Metric::reference}, wild);
    EXPECT_GE(picture.rows, 224);
    EXPECT_LE(picture.rows, 640);
  }
  const std::vector<float> map(49, 0);
  EXPECT_THROW(saliency_picture(cv::Mat(), {}, "", map, {.size = 7}, explained()), Error);
  EXPECT_THROW(saliency_picture(cv::Mat(64, 64, CV_8UC3), {}, "", map, {.size = 8}, explained()), Error);
}

}  // namespace
}  // namespace xai
