#include "xai/core/patch_grid.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "xai/core/error.hpp"

namespace xai {
namespace {

struct Case {
  int size;
  int grid;
};
const Case cases[] = {{224, 7}, {224, 4}, {224, 16}, {260, 7}, {16, 16}, {9, 2}, {7, 7}, {301, 5}};

// The definition of torch's align_corners = true: pixel i looks at position i * (g - 1) / (H - 1) of the
// grid, and a patch's weight falls linearly to 0 at its neighbours.
TEST(PatchGrid, SoftWeightsAreTheTentsOfAlignCorners) {
  for (const auto [size, grid] : cases) {
    const auto a = interpolation_matrix(size, grid, MaskKind::soft);
    ASSERT_EQ(a.size(), static_cast<std::size_t>(size * grid));
    for (int i = 0; i < size; ++i)
      for (int p = 0; p < grid; ++p) {
        const double distance = std::abs(static_cast<double>(i) * (grid - 1) / (size - 1) - p);
        EXPECT_NEAR(a[i * grid + p], std::max(0.0, 1 - distance), 1e-6)
            << size << " " << grid << " " << i << " " << p;
      }
  }
}

TEST(PatchGrid, HardWeightsAreBlocksWithRoundedBorders) {
  for (const auto [size, grid] : cases) {
    const auto a = interpolation_matrix(size, grid, MaskKind::hard);
    for (int i = 0; i < size; ++i)
      for (int p = 0; p < grid; ++p) {
        const bool inside = std::floor(static_cast<double>(p) * size / grid + 0.5) <= i &&
                            i < std::floor(static_cast<double>(p + 1) * size / grid + 0.5);
        EXPECT_EQ(a[i * grid + p], inside ? 1.0F : 0.0F) << size << " " << grid << " " << i << " " << p;
      }
  }
}

TEST(PatchGrid, OtherPositionsSeeTheSameTents) {
  const std::vector<double> positions = {-30, -0.25, 0, 0.5, 3.7, 100.125, 222.9, 223, 223.4, 900};
  for (const int grid : {2, 7, 28}) {
    const auto a = interpolation_matrix(positions, 224, grid, MaskKind::soft);
    for (std::size_t i = 0; i < positions.size(); ++i)
      for (int p = 0; p < grid; ++p) {
        const double inside = std::clamp(positions[i], 0.0, 223.0);
        EXPECT_NEAR(a[i * grid + p], std::max(0.0, 1 - std::abs(inside * (grid - 1) / 223 - p)), 1e-6);
      }
  }
}

TEST(PatchGrid, OtherPositionsSeeTheNearestPixelsBlock) {
  const std::vector<double> positions = {-9, 31.4, 31.5, 32, 223, 800};  // 7 blocks of 32 pixels
  const auto a = interpolation_matrix(positions, 224, 7, MaskKind::hard);
  const int blocks[] = {0, 0, 1, 1, 6, 6};
  for (std::size_t i = 0; i < positions.size(); ++i)
    for (int p = 0; p < 7; ++p) EXPECT_EQ(a[i * 7 + p], p == blocks[i] ? 1.0F : 0.0F) << i << " " << p;
}

TEST(PatchGrid, RowsSumToOne) {
  for (const auto kind : {MaskKind::soft, MaskKind::hard})
    for (const auto [size, grid] : cases) {
      const auto a = interpolation_matrix(size, grid, kind);
      for (int i = 0; i < size; ++i)
        EXPECT_EQ(std::accumulate(&a[i * grid], &a[i * grid] + grid, 0.0F), 1.0F) << name(kind) << " " << i;
    }
}

// Measured from the public SAG code's masks at 224 pixels
TEST(PatchGrid, TentsHaveTheReferencesExtentAndArea) {
  const auto a = interpolation_matrix(224, 7, MaskKind::soft);
  const auto side = [&](int patch) {
    double sum = 0;
    for (int i = 0; i < 224; ++i) sum += a[i * 7 + patch];
    return sum;
  };
  for (int i = 0; i < 224; ++i) EXPECT_EQ(a[i * 7 + 3] > 0, 75 <= i && i <= 148) << i;
  EXPECT_NEAR(side(3) * side(3), 1381, 1);
  EXPECT_NEAR(side(0) * side(0), 364, 1);
  EXPECT_NEAR(side(0) * side(0), side(6) * side(6), 1e-3);
}

TEST(PatchGrid, BordersLieWhereNeighboursWeighTheSame) {
  for (const auto kind : {MaskKind::soft, MaskKind::hard})
    for (const auto [size, grid] : cases) {
      const auto a = interpolation_matrix(size, grid, kind);
      const auto borders = patch_borders(size, grid, kind);
      ASSERT_EQ(borders.size(), static_cast<std::size_t>(grid + 1));
      EXPECT_EQ(borders.front(), 0);
      EXPECT_EQ(borders.back(), size);
      for (int i = 0; i < size; ++i)
        for (int p = 0; p < grid; ++p)  // a pixel whose centre is well inside the patch belongs to it most
          if (borders[p] + 0.01 < i + 0.5 && i + 0.5 < borders[p + 1] - 0.01) {
            EXPECT_GT(a[i * grid + p], 0.5F) << name(kind) << " " << size << " " << grid << " " << i;
          }
    }
}

TEST(PatchGrid, RefusesGridsThatCannotBe) {
  EXPECT_THROW(interpolation_matrix(224, 1, MaskKind::soft), UsageError);
  EXPECT_THROW(interpolation_matrix(16, 17, MaskKind::soft), UsageError);
  EXPECT_THROW(interpolation_matrix(6, 7, MaskKind::hard), UsageError);
  EXPECT_THROW(patch_borders(6, 7, MaskKind::hard), UsageError);
}

}  // namespace
}  // namespace xai
