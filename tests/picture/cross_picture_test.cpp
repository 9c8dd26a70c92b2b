#include "xai/picture/cross_picture.hpp"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <set>

#include "fixtures/legend.hpp"
#include "xai/core/error.hpp"
#include "xai/picture/picture.hpp"

namespace xai {
namespace {

const cv::Vec3b own_color(0, 114, 178), other_color(126, 180, 214), band_color(222, 223, 227);
constexpr int axis = 320;  // pixels from 0 to 1
constexpr int side = 196;  // of a tile

const cv::Mat orange(224, 224, CV_8UC3, cv::Scalar(250, 140, 20));

/// A model of a grey photograph whose map has one important cell of 7 x 7.
CrossRow row_of(const std::string& model, std::vector<CrossBar> targets, int cell = 24) {
  CrossRow row{.model = model, .class_name = "cat", .photograph = orange, .targets = std::move(targets)};
  row.map.assign(49, 0.1F);
  row.map[cell] = 0.9F;
  row.shown.assign(49, 0);
  row.shown[cell] = 1;
  return row;
}

CrossFigure figure_of(std::vector<CrossRow> rows) {
  return {.image = "a.JPEG", .size = 7, .rows = std::move(rows)};
}

/// The longest run of one color in each row of pixels that has any, from top to bottom.
std::vector<int> runs(const cv::Mat& picture, const cv::Vec3b& color) {
  std::vector<int> result;
  for (int y = 0; y < picture.rows; ++y) {
    int longest = 0;
    for (int x = 0, length = 0; x < picture.cols; ++x) {
      length = picture.at<cv::Vec3b>(y, x) == color ? length + 1 : 0;
      longest = std::max(longest, length);
    }
    if (longest > 1) result.push_back(longest);
  }
  return result;
}

/// Runs of equal length in neighbouring rows, once each: the lengths of blocks.
std::vector<int> blocks(const cv::Mat& picture, const cv::Vec3b& color) {
  std::vector<int> result;
  for (const int length : runs(picture, color))
    if (result.empty() || result.back() != length) result.push_back(length);
  return result;
}

TEST(CrossPicture, BarsAreAsLongAsThePosteriors) {
  std::vector<CrossBar> bars;
  for (const double p : {1.0, 0.5, 0.25, 0.75, 0.1, 0.0}) bars.push_back({"other", p});
  bars[3].model = "source";
  const cv::Mat picture = cross_picture(figure_of({row_of("source", bars)}));
  EXPECT_EQ(blocks(picture, other_color), (std::vector<int>{axis, axis / 2, axis / 4, axis / 10}));
  EXPECT_EQ(blocks(picture, own_color), (std::vector<int>{axis * 3 / 4}));
}

TEST(CrossPicture, BandsReachFromTheBaselineToTheWholePhotograph) {
  const cv::Mat picture = cross_picture(
      figure_of({row_of("source", {{"a", {}, 0.9, 0.2}, {"b", {}, 0.55, 0.05}, {"c", {}, 0.1}})}));
  // b's band crosses the axis' rule at 1/2, which has its color
  EXPECT_EQ(blocks(picture, band_color), (std::vector<int>{axis * 7 / 10, axis / 2}));
  EXPECT_TRUE(runs(picture, other_color).empty());
}

TEST(CrossPicture, TheMostImportantCellsAreShownAndTheOthersAreDark) {
  CrossFigure figure = figure_of({row_of("source", {{"source", 0.5}}, 24)});
  figure.mask = MaskKind::hard;
  const cv::Mat picture = cross_picture(figure);
  const auto is_orange = [&](int y, int x) {
    return cv::norm(picture.at<cv::Vec3b>(y, x) - cv::Vec3b(250, 140, 20), cv::NORM_INF) < 3;
  };
  cv::Point first(-1, -1);  // the photograph's corner
  for (int y = 0; y < picture.rows && first.x < 0; ++y)
    for (int x = 0; x < picture.cols && first.x < 0; ++x)
      if (is_orange(y, x)) first = {x, y};
  const int revealed = first.x + 2 * (side + 14);
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      ASSERT_TRUE(is_orange(first.y + y, first.x + x)) << y << " " << x;
      const bool near_border = (x + 2) % 28 < 4 || (y + 2) % 28 < 4;
      if (near_border) continue;
      ASSERT_EQ(is_orange(first.y + y, revealed + x), y / 28 == 3 && x / 28 == 3) << y << " " << x;
    }
}

TEST(CrossPicture, HasARowForEachModelAndRoomForAllBars) {
  const auto size = [](int models) {
    const CrossRow row = row_of("source", std::vector<CrossBar>(models, {"other", 0.5}));
    return cross_picture(figure_of(std::vector<CrossRow>(models, row))).size();
  };
  EXPECT_EQ(size(2).width, size(13).width);
  EXPECT_EQ(size(3).height - size(2).height, size(13).height - size(12).height);
  EXPECT_GE(size(3).height - size(2).height, side);
  EXPECT_EQ(size(30).height - size(2).height, 30 * (30 * 14 + 44) - 2 * (side + 44));
}

TEST(CrossPicture, SaysWhatItsPartsAre) {
  EXPECT_TRUE(testing::has_legend(cross_picture(figure_of({row_of("source", {{"source", 0.5}})}))));
}

TEST(CrossPicture, WithoutAMapSaysWhy) {
  std::set<std::string> pictures;
  for (const char* why : {"", "No map: the photograph was skipped.", "No map: it failed."}) {
    CrossFigure figure = figure_of({row_of("source", {{"source", {}, 0.9, 0.1}})});
    figure.rows[0].map.clear();
    figure.rows[0].why_no_map = why;
    const cv::Mat picture = cross_picture(figure);
    EXPECT_EQ(blocks(picture, band_color), (std::vector<int>{axis * 8 / 10}));
    pictures.insert(encode_png(picture));
  }
  EXPECT_EQ(pictures.size(), 3U);
}

TEST(CrossPicture, RowsNameTheirClassesWhereTheyDiffer) {
  std::set<std::string> pictures;
  for (const auto& [first, second] :
       {std::pair("cat", "cat"), {"cat", "dog"}, {"dog", "cat"}, {"dog", "dog"}}) {
    CrossFigure figure = figure_of({row_of("a", {}), row_of("b", {})});
    figure.rows[0].class_name = first;
    figure.rows[1].class_name = second;
    pictures.insert(encode_png(cross_picture(figure)));
  }
  EXPECT_EQ(pictures.size(), 4U);
}

TEST(CrossPicture, TakesAnySizeAndAnyText) {
  const std::string long_name(300, 'w');
  CrossFigure figure = figure_of({});
  figure.image = long_name;
  for (const auto& [height, width] : {std::pair(32, 32), {240, 320}, {600, 200}}) {
    CrossRow row = row_of(long_name, {{long_name + " \xC3\xA9 \xff", 1.2, -1, 2}, {"", -0.1}});
    row.photograph = cv::Mat(height, width, CV_8UC3, cv::Scalar(10, 20, 200));
    row.class_name = std::to_string(width) + long_name;
    figure.rows.push_back(row);
  }
  figure.rows[0].map.clear();
  figure.rows[0].why_no_map = long_name;
  const cv::Mat picture = cross_picture(figure);
  EXPECT_GE(picture.rows, 3 * side);
  EXPECT_LE(picture.cols, 1400);

  EXPECT_THROW(cross_picture(figure_of({})), Error);
  EXPECT_THROW(cross_picture(figure_of({{.model = "a"}})), Error);
  figure = figure_of({row_of("a", {})});
  figure.size = 8;
  EXPECT_THROW(cross_picture(figure), Error);
}

}  // namespace
}  // namespace xai
