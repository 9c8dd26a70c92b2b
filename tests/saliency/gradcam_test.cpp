#include "xai/saliency/gradcam.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "model/model_fixture.hpp"
#include "xai/core/error.hpp"
#include "xai/engine/engine.hpp"

namespace xai {
namespace {

/// Answers the one question that Grad-CAM asks.
at::Tensor map_of(const Features& features, int size) {
  MaskScorer scorer;
  Task<at::Tensor> task = gradcam(scorer, size);
  task.start();
  const auto slots = scorer.take(10, Want::features);
  EXPECT_EQ(slots.size(), 1U);
  EXPECT_EQ(slots[0].question->offset, 1) << "the image as it is";
  EXPECT_EQ(slots[0].question->scale, 0);
  slots[0].answer->features = features;
  scorer.answered();
  scorer.resume();
  EXPECT_EQ(scorer.forward(), 1);
  EXPECT_EQ(scorer.backward(), 1);
  return task.result();
}

at::Tensor values(std::initializer_list<float> list, at::IntArrayRef sizes) {
  return at::tensor(at::ArrayRef<float>(list)).view(sizes).clone();
}

TEST(GradCam, IsTheWeightedSumOfTheFeatureMaps) {
  const at::Tensor maps = values({1, 1, 0, 0, /**/ 0, 1, 0, 1}, {2, 2, 2});
  const at::Tensor gradient = values({0, 6, 3, 3, /**/ -1, -1, -2, 0}, {2, 2, 2});  // means 3 and -1
  EXPECT_TRUE(at::allclose(map_of({maps, gradient}, 2), values({3, 2, 0, 0}, {2, 2})));
  const at::Tensor larger = map_of({maps, gradient}, 6);
  EXPECT_EQ(larger.sizes(), at::IntArrayRef({6, 6}));
  EXPECT_FLOAT_EQ(larger[0][0].item<float>(), 3);
  EXPECT_FLOAT_EQ(larger[0][5].item<float>(), 2);
  at::Tensor broken = maps.clone();
  broken[0][0][0] = std::numeric_limits<float>::infinity();
  EXPECT_THROW(map_of({broken, gradient}, 2), DataError);
}

/// Upper half red, right half green.
class RedAndGreen : public Analysis {
 public:
  LoadedImage load(std::size_t) override {
    at::Tensor image = at::zeros({3, 16, 16});
    image[0].slice(0, 0, 8).fill_(1);
    image[1].slice(1, 8, 16).fill_(1);
    return {image, at::full_like(image, 0.7), {}};
  }
  Task<void> analyse(std::size_t index, ImageInFlight& image) override {
    at::Tensor map = co_await gradcam(image.masks(1), 2);
    maps[index] = map;
  }
  void failed(std::size_t, const std::exception& error) override { ADD_FAILURE() << error.what(); }

  std::map<std::size_t, at::Tensor> maps;
};

TEST(GradCam, RunsInTheEngine) {
  const TemporaryFolder folder;
  const auto classifier = testing::open(testing::save_cut_model(folder), {.features = true});
  RedAndGreen analysis;
  const EngineReport report =
      Engine(*classifier, {.grid = 2, .batch_size = 3, .lanes = 2, .images_in_flight = 2}).run(5, analysis);
  EXPECT_EQ(report.rows, 5 + 5) << "the intact image, and again for its features";
  EXPECT_EQ(report.backward, 5);
  ASSERT_EQ(analysis.maps.size(), 5);
  // normalised maps of 1 and -1, weights 12 / 4 and -4 / 4, and nothing negative
  for (const auto& [index, map] : analysis.maps)
    EXPECT_TRUE(at::allclose(map, values({4, 2, 0, 0}, {2, 2}))) << map;
}

}  // namespace
}  // namespace xai
