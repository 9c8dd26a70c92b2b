#include "../../src/saliency/objective.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "toy_model.hpp"

namespace xai {
namespace {

using testing::cells;
using testing::pixels;
using testing::ToyModel;
using testing::uniform;

TEST(HiddenShare, IsTheMeanDistanceFromOne) {
  const at::Tensor mask = at::tensor({1.0, 0.5, 0.0, 1.0}, at::kDouble).view({2, 2});
  const Penalty penalty = hidden_share(mask);
  EXPECT_DOUBLE_EQ(penalty.value, 1.5 / 4);
  EXPECT_TRUE(at::equal(penalty.gradient, at::tensor({0.0, -0.25, -0.25, 0.0}, at::kDouble).view({2, 2})));
}

/// The formulas of iGOS++'s penalty in plain loops.
struct Loops {
  static double pixel(const at::Tensor& m, int y, int x) { return m[y][x].item<double>(); }
  static double total_variation(const at::Tensor& m) {
    const int s = static_cast<int>(m.size(0));
    double down = 0, across = 0;
    for (int y = 0; y < s; ++y)
      for (int x = 0; x < s; ++x) {
        if (y + 1 < s) down += std::pow(pixel(m, y, x) - pixel(m, y + 1, x), 2);
        if (x + 1 < s) across += std::pow(pixel(m, y, x) - pixel(m, y, x + 1), 2);
      }
    return (down + across) / (s * (s - 1));
  }
  static double bilateral(const at::Tensor& image, const at::Tensor& u, double sigma) {
    double down = 0, across = 0;
    for (int y = 0; y < pixels; ++y)
      for (int x = 0; x < pixels; ++x) {
        if (y + 1 < pixels) {
          double mean = 0;
          for (int c = 0; c < 3; ++c) mean += (pixel(image[c], y, x) - pixel(image[c], y + 1, x)) / 3;
          down += std::exp(-mean * mean / sigma) * std::pow(pixel(u, y, x) - pixel(u, y + 1, x), 2);
        }
        if (x + 1 < pixels) {
          double weight = 0;
          for (int c = 0; c < 3; ++c)
            weight += std::exp(-std::pow(pixel(image[c], y, x) - pixel(image[c], y, x + 1), 2) / sigma) / 3;
          across += weight * std::pow(pixel(u, y, x) - pixel(u, y, x + 1), 2);
        }
      }
    return (down + across) / (pixels * (pixels - 1));
  }
};

TEST(TotalVariation, EqualsPlainLoops) {
  const ToyModel model(testing::wavy_model);
  const at::Tensor mask = uniform({cells, cells}, 3);
  EXPECT_NEAR(total_variation(mask).value, Loops::total_variation(mask), 1e-12);
  const double sigma = 0.3;
  EXPECT_NEAR(BilateralTotalVariation(model.image(), sigma, model.composer)(mask).value,
              0.5 * (Loops::total_variation(mask) +
                     Loops::bilateral(model.image(), model.composer.upsample(mask), sigma)),
              1e-7);  // the composer's weights are floats
}

TEST(TotalVariation, GradientsAreThoseOfFiniteDifferences) {
  const ToyModel model(testing::wavy_model);
  const BilateralTotalVariation bilateral(model.image(), 0.3, model.composer);
  const at::Tensor mask = uniform({cells, cells}, 3), direction = uniform({cells, cells}, 4) - 0.5;
  const double step = 1e-6;
  const at::Tensor up = mask + step * direction, down = mask - step * direction;
  EXPECT_NEAR((total_variation(mask).gradient * direction).sum().item<double>(),
              (total_variation(up).value - total_variation(down).value) / (2 * step), 1e-9);
  EXPECT_NEAR((bilateral(mask).gradient * direction).sum().item<double>(),
              (bilateral(up).value - bilateral(down).value) / (2 * step), 1e-9);
}

/// The objective of each method on the wavy model.
class EveryMethod : public ::testing::TestWithParam<IgosMethod> {
 protected:
  static IgosOptions options_of(IgosMethod method) {
    IgosOptions options = IgosOptions::reference();
    options.method = method;
    options.size = cells;
    options.points = 3;
    return options;
  }
  /// With equal draws whenever it is asked.
  ObjectiveValue value(const at::Tensor& masks, bool gradient) const {
    Random random(5, "equal draws");
    std::vector<MaskAnswer> answers;
    for (const MaskQuestion& question : objective.questions(masks, gradient, random))
      answers.push_back(model(question));
    return objective.value(masks, answers);
  }

  const ToyModel model{testing::wavy_model};
  IgosOptions options = options_of(GetParam());
  const Objective objective{model.image(), model.composer, options};
};

TEST_P(EveryMethod, GradientsOfTheObjectiveAreThoseOfFiniteDifferences) {
  const at::Tensor masks = 0.1 + 0.8 * uniform({objective.masks(), cells, cells}, 6);
  const at::Tensor direction = uniform({objective.masks(), cells, cells}, 7) - 0.5;
  const ObjectiveValue at = value(masks, true);
  const double step = 1e-5;
  const ObjectiveValue up = value(masks + step * direction, false),
                       down = value(masks - step * direction, false);

  const double score_slope = (up.score() - down.score()) / (2 * step);
  EXPECT_GT(std::abs(score_slope), 1e-3) << "a test of nothing";
  EXPECT_NEAR((at.score_gradient * direction).sum().item<double>(), score_slope, 1e-8);
  EXPECT_NEAR((at.penalty_gradient * direction).sum().item<double>(),
              (objective.penalty(up) - objective.penalty(down)) / (2 * step), 1e-8);
}

TEST_P(EveryMethod, TheScoreIsTheFormula) {
  options.noise = 0;
  const at::Tensor masks = uniform({objective.masks(), cells, cells}, 8);
  // p of an image, from its own question: the composer's test says that these are right
  const auto mean_p = [&](const at::Tensor& factors, bool inserts) {
    double sum = 0;
    for (int k = 1; k <= 3; ++k)
      sum +=
          model({.masks = factors, .offset = inserts ? 1.0 : 0.0, .scale = (inserts ? -1 : 1) * k / 3.0}).p /
          3;
    return sum;
  };
  const auto one = [&](int i) { return masks.narrow(0, i, 1); };
  double expected = 0;
  switch (GetParam()) {
    case IgosMethod::igos:
      expected = mean_p(masks, false);
      break;
    case IgosMethod::igos_plus:
      expected = mean_p(masks, false) - mean_p(masks, true);
      break;
    case IgosMethod::igos_plus_plus:
      expected = mean_p(masks, false) - mean_p(masks, true) + mean_p(one(0), false) - mean_p(one(1), true);
      break;
  }
  EXPECT_NEAR(value(masks, false).score(), expected, 1e-12);
}

INSTANTIATE_TEST_SUITE_P(Methods, EveryMethod,
                         ::testing::Values(IgosMethod::igos, IgosMethod::igos_plus,
                                           IgosMethod::igos_plus_plus));

}  // namespace
}  // namespace xai
