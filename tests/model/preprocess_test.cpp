#include "xai/model/preprocess.hpp"

#include <gtest/gtest.h>

namespace xai {
namespace {

ModelCard card(int height, int width, int resize) {
  ModelCard result;
  result.height = height;
  result.width = width;
  result.resize = resize;
  return result;
}

TEST(Crop, LiesWhereTorchvisionPutsIt) {
  const Crop crop = crop_of(333, 500, card(224, 200, 256));  // resized to 256 x 384: 384.38 is cut
  EXPECT_EQ(crop.vertical.resized, 256);
  EXPECT_EQ(crop.vertical.start, 16);
  EXPECT_EQ(crop.vertical.pixels, 224);
  EXPECT_EQ(crop.horizontal.resized, 384);
  EXPECT_EQ(crop.horizontal.start, 92);
  EXPECT_EQ(crop.horizontal.pixels, 200);
  EXPECT_EQ(crop_of(100, 105, card(100, 100, 100)).horizontal.start, 2);  // 2.5: halves to even
}

TEST(Crop, PositionsGoThroughTheOriginalPhotograph) {
  for (const int height : {300, 333, 1001}) {
    const CropSide of = crop_of(height, height, card(224, 224, 256)).vertical;
    const CropSide in = crop_of(height, height, card(240, 240, 268)).vertical;
    const auto centre = [&](const CropSide& side, int i) {
      return (side.start + i + 0.5) * height / side.resized - 0.5;
    };
    const auto found = positions(of, in);
    ASSERT_EQ(found.size(), 224U);
    for (int i = 0; i < 224; ++i)
      EXPECT_NEAR(found[i], 239 * (centre(of, i) - centre(in, 0)) / (centre(in, 239) - centre(in, 0)), 1e-9);
    const auto own = positions(of, of);
    for (int i = 0; i < 224; ++i) EXPECT_EQ(own[i], i);
  }
}

TEST(Crop, ShareOutsideIsOfTheArea) {
  const Crop whole = crop_of(100, 100, card(50, 50, 50)), half = crop_of(100, 100, card(50, 50, 100));
  EXPECT_DOUBLE_EQ(share_outside(whole, half), 0.75);
  EXPECT_DOUBLE_EQ(share_outside(half, whole), 0);
  EXPECT_DOUBLE_EQ(share_outside(half, half), 0);
  const Crop upright = crop_of(100, 100, card(100, 50, 100)), flat = crop_of(100, 100, card(50, 100, 100));
  EXPECT_DOUBLE_EQ(share_outside(upright, flat), 0.5);
}

TEST(SameView, IsAboutEverythingBeforeNormalisation) {
  ModelCard a = card(224, 224, 256), b = a;
  b.mean = {1, 1, 1};
  b.name = "another";
  EXPECT_TRUE(same_view(a, b));
  b.interpolation = Interpolation::bilinear;
  EXPECT_FALSE(same_view(a, b));
  EXPECT_FALSE(same_view(a, card(224, 224, 257)));
  EXPECT_FALSE(same_view(a, card(224, 225, 256)));
}

}  // namespace
}  // namespace xai
