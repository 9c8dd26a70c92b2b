#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <map>
#include <mutex>

#include "model/toy_classifier.hpp"
#include "xai/core/error.hpp"
#include "xai/engine/engine.hpp"

namespace xai {
namespace {

constexpr int grid = 5, pixels = 16;

/// Smooth functions of the brightness of the image's sixteenths, its last feature maps.
class SmoothClassifier : public testing::ToyClassifier {
 public:
  SmoothClassifier() : ToyClassifier("smooth", pixels, pixels, 3, {0.5, 0.4, 0.3}, {0.25, 0.5, 0.2}) {}
  LogitsAndGradient logits_and_input_gradient(const at::Tensor& batch, const at::Tensor& classes) override {
    LogitsAndGradient answer = ToyClassifier::logits_and_input_gradient(batch, classes);
    if (poison) answer.gradient.fill_(std::nan(""));
    return answer;
  }

  bool poison = false;

 protected:
  at::Tensor maps_of(const at::Tensor& batch) const override {
    return at::adaptive_avg_pool2d(batch, {4, 4});
  }
  at::Tensor head(const at::Tensor& maps) const override {
    const at::Tensor weights = at::arange(48).mul(0.7).sin().view({16, 3});
    return maps.tanh().sum(1).flatten(1).mm(weights);
  }
};

LoadedImage picture(std::size_t index) {
  const auto random = [&](int stream) {
    return at::rand({3, pixels, pixels}, at::detail::createCPUGenerator(10 * index + stream));
  };
  return {random(1), random(2), {}};
}

/// Questions of every kind about one image.
std::vector<MaskQuestion> questions(std::size_t index) {
  std::vector<MaskQuestion> all;
  for (int i = 0; i < 11; ++i)
    all.push_back({.masks = at::rand({1 + i % 2, grid, grid}, at::detail::createCPUGenerator(100 * index + i),
                                     at::kDouble),
                   .offset = i % 3 == 0 ? 1.0 : 0.0,
                   .scale = i % 3 == 0 ? -0.8 : 0.6,
                   .noise = i % 4 == 0 ? 0.2 : 0.0,
                   .noise_seed = static_cast<std::uint64_t>(i),
                   .want = i % 5 < 2    ? Want::gradient
                           : i % 5 == 3 ? Want::features
                                        : Want::probability});
  return all;
}

/// Asks the questions twice, and keeps the answers.
class Asking : public Analysis {
 public:
  LoadedImage load(std::size_t index) override { return picture(index); }
  Task<void> analyse(std::size_t index, ImageInFlight& image) override {
    MaskScorer& scorer = image.masks(2);
    std::vector<MaskAnswer> first = co_await scorer.answers(questions(index));
    std::vector<MaskAnswer> second = co_await scorer.answers(questions(index));
    const std::lock_guard lock(mutex_);
    answers[index] = std::move(first);
    again[index] = std::move(second);
    rows += scorer.forward();
    backward += scorer.backward();
  }
  void failed(std::size_t index, const std::exception& error) override { failures[index] = error.what(); }

  std::map<std::size_t, std::vector<MaskAnswer>> answers, again;
  std::map<std::size_t, std::string> failures;
  long rows = 0, backward = 0;

 private:
  std::mutex mutex_;
};

/// p by the formula, with automatic differentiation down to the masks.
MaskAnswer plain_answer(const ModelCard& card, std::size_t index, const MaskQuestion& question) {
  const LoadedImage loaded = picture(index);
  const MaskComposer composer(pixels, pixels, grid, MaskKind::soft, at::kCPU);
  const at::Tensor masks = question.masks.to(at::kFloat).requires_grad_();
  const at::Tensor visible = question.offset + question.scale * composer.upsample(masks).prod(0);
  at::Tensor mixed =
      normalise(loaded.baseline + visible * (loaded.image - loaded.baseline), card.mean, card.std);
  if (question.noise > 0)
    mixed = mixed + question.noise *
                        at::randn({3, pixels, pixels}, at::detail::createCPUGenerator(question.noise_seed));
  SmoothClassifier model;
  const at::Tensor batch = mixed.unsqueeze(0);
  const at::Tensor p = model.logits(batch).softmax(1)[0][2];
  const auto [maps, gradient] = model.features(batch.detach(), at::full({1}, 2, at::kLong));
  return {p.item<double>(), torch::autograd::grad({p}, {masks}).front(), {maps[0], gradient[0]}};
}

/// The part of the plain answer that was asked for.
void expect_near(const MaskAnswer& a, const MaskAnswer& b, Want want) {
  ASSERT_EQ(a.gradient.defined(), want == Want::gradient);
  ASSERT_EQ(a.features.maps.defined(), want == Want::features);
  if (want == Want::features) {
    EXPECT_TRUE(at::allclose(a.features.maps, b.features.maps, 1e-4, 1e-6));
    EXPECT_TRUE(at::allclose(a.features.gradient, b.features.gradient, 1e-4, 1e-6));
    return;
  }
  EXPECT_NEAR(a.p, b.p, 1e-6);
  if (want == Want::probability) return;
  EXPECT_TRUE(at::allclose(a.gradient, b.gradient, 1e-4, 1e-7));
}

TEST(MaskRows, AnswersAreTheModelsUnderAnyPacking) {
  for (const int batch_size : {1, 4, 7})
    for (const int in_flight : {1, 6})
      for (const int lanes : {1, 3}) {
        SmoothClassifier classifier;
        Asking asking;
        const EngineReport report =
            Engine(classifier,
                   {.grid = grid, .batch_size = batch_size, .lanes = lanes, .images_in_flight = in_flight})
                .run(6, asking);
        ASSERT_EQ(asking.answers.size(), 6);
        EXPECT_EQ(report.rows, asking.rows + 6) << "and the intact images";
        EXPECT_EQ(report.backward, asking.backward);
        for (const auto size : classifier.backward_batches) EXPECT_EQ(size, batch_size);
        EXPECT_FALSE(classifier.feature_batches.empty());
        for (const auto size : classifier.feature_batches) EXPECT_EQ(size, batch_size);
        for (const auto& [index, answers] : asking.answers) {
          const auto asked = questions(index);
          for (std::size_t i = 0; i < asked.size(); ++i) {
            expect_near(answers[i], plain_answer(classifier.card(), index, asked[i]), asked[i].want);
            EXPECT_NEAR(asking.again.at(index)[i].p, answers[i].p, 1e-6) << "equal seeds, equal noise";
          }
        }
      }
}

TEST(MaskRows, MemoryThatRunsOutHalvesTheBatch) {
  SmoothClassifier classifier;
  classifier.most_rows = 3;
  Asking asking;
  const EngineReport report =
      Engine(classifier, {.grid = grid, .batch_size = 8, .lanes = 2, .images_in_flight = 3}).run(4, asking);
  EXPECT_EQ(report.batch_size, 2);
  for (const auto& [index, answers] : asking.answers) {
    const auto asked = questions(index);
    for (std::size_t i = 0; i < asked.size(); ++i)
      expect_near(answers[i], plain_answer(classifier.card(), index, asked[i]), asked[i].want);
  }
  EXPECT_EQ(asking.answers.size(), 4);
}

TEST(MaskRows, GradientsThatAreNotFiniteFailTheirImage) {
  SmoothClassifier classifier;
  classifier.poison = true;
  Asking asking;
  Engine(classifier, {.grid = grid, .batch_size = 4, .images_in_flight = 2}).run(3, asking);
  EXPECT_TRUE(asking.answers.empty());
  ASSERT_EQ(asking.failures.size(), 3);
  EXPECT_NE(asking.failures.at(1).find("not finite"), std::string::npos);
}

}  // namespace
}  // namespace xai
