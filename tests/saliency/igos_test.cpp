#include "xai/saliency/igos.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "toy_model.hpp"
#include "xai/core/error.hpp"
#include "xai/saliency/rise.hpp"
#include "xai/saliency/scores.hpp"

namespace xai {
namespace {

using testing::cells;
using testing::pixels;
using testing::ToyModel;

/// The planted model with an image that shows its evidence: brighter than the baseline everywhere.
ToyModel planted(double brightness = 1) {
  ToyModel model(testing::planted_model);
  const at::Tensor black = at::zeros({3, pixels, pixels}, at::kDouble);
  model.maskable = {black, black + brightness};
  return model;
}

/// Cells whose tents lie in rows 6..11, columns 0..5 of 18 pixels for the most part.
const std::vector<int> evidence{2 * cells + 0, 2 * cells + 1, 3 * cells + 0, 3 * cells + 1};

void expect_evidence_on_top(const at::Tensor& map) {
  ASSERT_EQ(map.sizes(), at::IntArrayRef({cells, cells}));
  EXPECT_GE(map.min().item<float>(), 0);
  const auto order = importance_order({map.data_ptr<float>(), static_cast<std::size_t>(map.numel())});
  EXPECT_EQ(std::set<int>(order.begin(), order.begin() + 4), std::set<int>(evidence.begin(), evidence.end()))
      << map;
}

IgosOptions small(IgosOptions options, IgosMethod method = IgosMethod::igos_plus_plus) {
  options.method = method;
  options.size = cells;
  return options;
}

IgosResult optimise(const ToyModel& model, const IgosOptions& options, MaskScorer& scorer,
                    std::uint64_t seed = 0) {
  return model.run(scorer, igos(scorer, model.image(), model.composer, options, Random(seed, "toy")));
}

class Methods : public ::testing::TestWithParam<IgosMethod> {};

TEST_P(Methods, FindPlantedEvidence) {
  for (const IgosOptions& preset : {IgosOptions(), IgosOptions::reference()}) {
    MaskScorer scorer;
    const IgosOptions options = small(preset, GetParam());
    const IgosResult result = optimise(planted(), options, scorer);
    expect_evidence_on_top(result.map);
    EXPECT_LE(result.map.max().item<float>(), 1);
    EXPECT_EQ(result.iterations.size(), options.iterations);
    EXPECT_EQ(result.stop_reason, "iterations");
    const long terms = GetParam() == IgosMethod::igos ? 1 : GetParam() == IgosMethod::igos_plus ? 2 : 4;
    EXPECT_EQ(scorer.backward(), options.iterations * options.points * terms);
    EXPECT_LT(result.iterations.back().deletion, result.iterations.front().deletion);
  }
}

INSTANTIATE_TEST_SUITE_P(Igos, Methods,
                         ::testing::Values(IgosMethod::igos, IgosMethod::igos_plus,
                                           IgosMethod::igos_plus_plus));

TEST(Igos, NesterovsGradientFindsPlantedEvidence) {
  IgosOptions options = small(IgosOptions::reference());
  options.optimiser = Optimiser::nag;
  options.alpha = 0.5;
  options.l2 = 1;
  options.iterations = 40;
  MaskScorer scorer;
  expect_evidence_on_top(optimise(planted(), options, scorer).map);
  EXPECT_EQ(scorer.forward(), scorer.backward()) << "no loss is evaluated";
}

/// The first step of Adam, where the gradient of the penalties is 0: rate * gradient / its scale.
TEST(Igos, AdamsScaleIsOneForAMaskOrEachCellsOwn) {
  const ToyModel model(testing::wavy_model);
  const at::Tensor ones = at::ones({1, cells, cells}, at::kDouble);
  const at::Tensor gradient = model({.masks = ones, .want = Want::gradient}).gradient[0];
  for (const auto scale : {GradientScale::mask, GradientScale::cell}) {
    IgosOptions options = small(IgosOptions(), IgosMethod::igos);
    options.iterations = options.points = 1;
    options.path = PathPoints::right;
    options.noise = 0;
    options.rate = 0.05;
    options.scale = scale;
    MaskScorer scorer;
    const at::Tensor of_scale =
        scale == GradientScale::mask ? gradient.square().mean().sqrt() : gradient.abs();
    const at::Tensor expected = (options.rate * gradient / of_scale).clamp(0, 1);
    EXPECT_TRUE(at::allclose(optimise(model, options, scorer).map.to(at::kDouble), expected, 1e-5, 1e-6));
  }
}

TEST(Igos, MapsDependOnTheSeedAndOnNothingElse) {
  const ToyModel model(testing::wavy_model);
  const IgosOptions options = small(IgosOptions());
  const auto map = [&](std::uint64_t seed) {
    MaskScorer scorer;
    return optimise(model, options, scorer, seed).map;
  };
  EXPECT_TRUE(at::equal(map(1), map(1)));
  EXPECT_FALSE(at::allclose(map(1), map(2), 1e-3, 1e-3));
}

/// One line search of the reference, by hand, where noise is off and L is known.
TEST(Igos, LineSearchTakesTheFirstStepWithEnoughDescent) {
  IgosOptions options = small(IgosOptions::reference(), IgosMethod::igos);
  options.noise = 0;
  options.iterations = 1;
  options.points = 1;
  const ToyModel model = planted();
  MaskScorer scorer;
  const IgosResult result = optimise(model, options, scorer);
  const auto loss = [&](const at::Tensor& m) {
    const at::Tensor d0 = m.diff(1, 0), d1 = m.diff(1, 1);
    return model({.masks = m.unsqueeze(0)}).p + options.l1 * (1 - m).abs().mean().item<double>() +
           options.l2 * (d0.square().mean() + d1.square().mean()).item<double>();
  };
  const at::Tensor ones = at::ones({cells, cells}, at::kDouble);
  const at::Tensor gradient = model({.masks = ones.unsqueeze(0), .want = Want::gradient}).gradient[0];
  double step = 1000;
  while (loss((ones - step * gradient).clamp(0, 1)) >
             loss(ones) - step * 1e-4 * gradient.square().sum().item<double>() &&
         step >= 1e-5)
    step *= 0.2;
  EXPECT_DOUBLE_EQ(result.iterations.front().step, step);
  EXPECT_LT(step, 1000) << "a test of nothing";
  EXPECT_TRUE(at::allclose(result.map.to(at::kDouble), 1 - (ones - step * gradient).clamp(0, 1), 1e-6, 1e-6));
}

TEST(Igos, OptionsAreChecked) {
  const auto refused = [](auto change) {
    IgosOptions options;
    change(options);
    EXPECT_THROW(options.validate(), UsageError);
  };
  refused([](IgosOptions& o) { o.size = 1; });
  refused([](IgosOptions& o) { o.iterations = 0; });
  refused([](IgosOptions& o) { o.points = 0; });
  refused([](IgosOptions& o) { o.noise = -1; });
  refused([](IgosOptions& o) { o.sigma = 0; });
  refused([](IgosOptions& o) { o.beta1 = 1; });
  refused([](IgosOptions& o) { o.decay = 1; });
  EXPECT_NO_THROW(IgosOptions().validate());
  EXPECT_NO_THROW(IgosOptions::reference().validate());
}

TEST(Rise, FindsPlantedEvidence) {
  const ToyModel model = planted(0.3);  // a probability that is nowhere near 1 tells masks apart
  MaskScorer scorer;
  const RiseOptions options{.size = cells, .masks = 3000, .cells = cells};
  const at::Tensor map = model.run(scorer, rise(scorer, options, Random(1, "toy")));
  EXPECT_EQ(scorer.forward(), 3000);
  EXPECT_EQ(scorer.backward(), 0);
  // random masks are smooth: neighbours of the evidence in rows 2 and 3, columns 0 and 1, profit from it
  const float weakest = map.slice(0, 2, 4).slice(1, 0, 2).min().item<float>();
  const float right = map.slice(1, 3).max().item<float>(), top = map[0].max().item<float>(),
              bottom = map[5].max().item<float>();
  EXPECT_GT(weakest, std::max({right, top, bottom})) << map;
}

TEST(Rise, AConstantModelGivesAFlatMapOfItsProbability) {
  // E[p M] / visible = p
  const ToyModel model("def forward(self, x):\n    return torch.zeros([x.size(0), 4], dtype=x.dtype)");
  MaskScorer scorer;
  const RiseOptions options{.size = cells, .masks = 6000, .cells = 3, .visible = 0.3};
  const at::Tensor map = model.run(scorer, rise(scorer, options, Random(1, "toy")));
  EXPECT_TRUE(at::allclose(map, at::full_like(map, 0.25), 0, 0.02)) << map;
}

TEST(Scores, AreTheMetricOfTheModelsProbabilities) {
  const ToyModel model(testing::wavy_model, /*target=*/1);
  const at::Tensor map = testing::uniform({cells, cells}, 9).to(at::kFloat);
  const CurveOptions options{.steps = 9, .min_gap = 1e-9};
  MaskScorer scorer;
  const double p_full = model({.masks = at::ones({1, cells, cells}, at::kDouble)}).p;
  const MapScores scores = model.run(scorer, score_map(scorer, map, p_full, options));
  EXPECT_EQ(scorer.forward(), 9 + 8) << "both ends are shared, and one is known";

  const auto order = importance_order({map.data_ptr<float>(), static_cast<std::size_t>(map.numel())});
  std::vector<double> insertion, deletion;
  for (int t = 0; t <= 9; ++t) {
    at::Tensor shown = at::zeros({1, cells, cells}, at::kDouble);
    for (int i = 0; i < 4 * t; ++i) shown.view(-1)[order[i]] = 1;  // 36 cells in 9 steps
    insertion.push_back(model({.masks = shown}).p);
    deletion.push_back(model({.masks = 1 - shown}).p);
  }
  EXPECT_DOUBLE_EQ(scores.p_baseline, insertion.front());
  const double gap = insertion.back() - insertion.front();
  ASSERT_GT(gap, options.min_gap) << "a test of nothing";
  for (int t = 0; t <= 9; ++t) {
    EXPECT_NEAR(scores.insertion->values[t], (insertion[t] - insertion[0]) / gap, 1e-12);
    EXPECT_NEAR(scores.deletion->values[t], (deletion[t] - insertion[0]) / gap, 1e-12);
  }
}

}  // namespace
}  // namespace xai
