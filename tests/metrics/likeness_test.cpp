#include "xai/metrics/likeness.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace xai {
namespace {

TEST(Likeness, OfAMapWithItselfIsOneAndWithItsReverseMinusOne) {
  std::vector<float> map, reverse;
  for (int i = 0; i < 20; ++i) {
    map.push_back(std::exp(static_cast<float>(i)));  // ranks count, values do not
    reverse.push_back(static_cast<float>(-i));
  }
  const MapLikeness same = likeness_of(std::vector{map, map}), other = likeness_of(std::vector{map, reverse});
  EXPECT_DOUBLE_EQ(same.rank_correlation, 1);
  EXPECT_DOUBLE_EQ(same.top_overlap, 1);
  EXPECT_DOUBLE_EQ(other.rank_correlation, -1);
  EXPECT_DOUBLE_EQ(other.top_overlap, 0);
}

TEST(Likeness, EqualCellsShareTheirRank) {
  // of ranks 1.5 1.5 3 4 and 1 2 3.5 3.5
  const MapLikeness likeness = likeness_of(std::vector<std::vector<float>>{{0, 0, 1, 2}, {0, 1, 2, 2}});
  EXPECT_NEAR(likeness.rank_correlation, 4 / 4.5, 1e-15);
}

TEST(Likeness, IsTheMeanOverAllPairs) {
  std::vector<std::vector<float>> maps(3, std::vector<float>(20, 0));
  for (int i = 0; i < 20; ++i)
    maps[0][i] = maps[1][i] = static_cast<float>(i), maps[2][i] = static_cast<float>(i == 0 ? 99 : i);
  const MapLikeness likeness = likeness_of(maps);  // the third shares one of its two most important cells
  EXPECT_DOUBLE_EQ(likeness.top_overlap, (1 + 0.5 + 0.5) / 3);
  const double third =
      1 - 6.0 * (19 * 19 + 19) / (20 * (400 - 1));  // Spearman without ties, by differences of ranks
  EXPECT_NEAR(likeness.rank_correlation, (1 + 2 * third) / 3, 1e-12);
}

TEST(Likeness, OfAFlatMapIsUndefined) {
  const std::vector<std::vector<float>> maps = {{1, 1, 1, 1}, {1, 2, 3, 4}};
  EXPECT_TRUE(std::isnan(likeness_of(maps).rank_correlation));
  EXPECT_EQ(likeness_of(maps).top_overlap, 0);  // ties by raster index
}

}  // namespace
}  // namespace xai
