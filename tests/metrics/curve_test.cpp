#include "xai/metrics/curve.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "xai/core/error.hpp"
#include "xai/core/random.hpp"

namespace xai {
namespace {

constexpr auto both = {Direction::insertion, Direction::deletion};
constexpr CurveOptions reference = {.metric = Metric::reference};

/// f at every point of a curve, of a model that answers b plus the weights of the cells that it sees.
std::vector<double> linear_model(const CurveOptions& options, const std::vector<float>& map,
                                 const std::vector<double>& weights, double b, Direction direction) {
  const auto order = importance_order(map);
  std::vector<double> f;
  for (const int count : curve_counts(options, static_cast<int>(map.size()))) {
    const auto mask = curve_mask(order, count, direction);
    f.push_back(std::inner_product(mask.begin(), mask.end(), weights.begin(), b));
  }
  return f;
}

TEST(Curve, OrdersByImportanceAndTiesByRasterIndex) {
  EXPECT_EQ(importance_order(std::vector<float>{0.5F, 2, -1, 2, 0.5F, 3, 0.5F}),
            (std::vector<int>{5, 1, 3, 0, 4, 6, 2}));
  const std::vector<float> flat(100, 0.25F);
  std::vector<int> raster(100);
  std::iota(raster.begin(), raster.end(), 0);
  EXPECT_EQ(importance_order(flat), raster);
  EXPECT_EQ(importance_order(std::vector<double>{1, 1 + 1e-12, 1}), (std::vector<int>{1, 0, 2}));
}

TEST(Curve, CountsRoundHalfUp) {
  EXPECT_EQ(curve_counts({.steps = 4}, 9), (std::vector<int>{0, 2, 5, 7, 9}));  // 0, 2.25, 4.5, 6.75, 9
  EXPECT_EQ(curve_counts({.steps = 4}, 10), (std::vector<int>{0, 3, 5, 8, 10}));
  EXPECT_EQ(curve_counts({.steps = 1}, 9), (std::vector<int>{0, 9}));
  const auto each = curve_counts({.steps = 784}, 784);
  for (int t = 0; t <= 784; ++t) EXPECT_EQ(each[t], t);
  const auto large = curve_counts({.steps = 50176}, 50176);  // 224 x 224
  EXPECT_EQ(large.back(), 50176);
  EXPECT_TRUE(std::is_sorted(large.begin(), large.end()));
}

TEST(Curve, CountsAreThoseOfTheDefinition) {
  for (const int cells : {49, 196, 784})
    for (int steps = 1; steps <= 49; ++steps) {
      const auto counts = curve_counts({.steps = steps}, cells);
      ASSERT_EQ(counts.size(), steps + 1U);
      for (int t = 0; t <= steps; ++t)
        EXPECT_EQ(counts[t], static_cast<int>(std::floor(1.0L * t * cells / steps + 0.5L)));
    }
}

TEST(Curve, ReferenceCountsAreMultiplesOfAFiftieth) {
  const auto counts = curve_counts(reference, 784);  // 15 cells a step, 53 steps, the last of 4
  ASSERT_EQ(counts.size(), 54U);
  for (int i = 0; i < 53; ++i) EXPECT_EQ(counts[i], 15 * i);
  EXPECT_EQ(counts[53], 784);
  EXPECT_EQ(curve_counts(reference, 49).size(), 50U);  // one cell a step
  EXPECT_EQ(curve_counts(reference, 100), curve_counts({.steps = 50}, 100));
}

TEST(Curve, MasksShowTheFirstCellsOrHideThem) {
  const std::vector<int> order = {3, 0, 2, 1};
  EXPECT_EQ(curve_mask(order, 2, Direction::insertion), (std::vector<float>{1, 0, 0, 1}));
  EXPECT_EQ(curve_mask(order, 2, Direction::deletion), (std::vector<float>{0, 1, 1, 0}));
  EXPECT_EQ(curve_mask(order, 0, Direction::insertion), (std::vector<float>(4, 0)));
  EXPECT_EQ(curve_mask(order, 4, Direction::deletion), (std::vector<float>(4, 0)));
}

TEST(Curve, OfFourCellsByHand) {
  const CurveOptions options = {.steps = 4};
  // f(b) = 0.1, f(x) = 0.5: (f - 0.1) / 0.4
  const auto insertion = make_curve(options, 4, Direction::insertion, std::vector{0.1, 0.3, 0.7, 0.4, 0.5});
  ASSERT_TRUE(insertion);
  const std::vector<double> expected = {0, 0.5, 1.5, 0.75, 1};  // above 1 is kept
  for (int t = 0; t <= 4; ++t) EXPECT_NEAR(insertion->values[t], expected[t], 1e-15);
  EXPECT_NEAR(insertion->auc, (0.5 + 1.5 + 0.75 + 0.5) / 4, 1e-15);

  const auto deletion = make_curve(options, 4, Direction::deletion, std::vector{0.5, 0.3, 0.06, 0.2, 0.1});
  ASSERT_TRUE(deletion);
  const std::vector<double> falls = {1, 0.5, -0.1, 0.25, 0};  // below 0 too
  for (int t = 0; t <= 4; ++t) EXPECT_NEAR(deletion->values[t], falls[t], 1e-15);
  EXPECT_NEAR(deletion->auc, (0.5 + 0.5 - 0.1 + 0.25) / 4, 1e-15);
}

TEST(Curve, ReferenceScoreByHand) {
  // four cells, one a step: f after each of the first three, and 1 for the last
  const std::vector f = {0.1, 0.2, 0.3, 0.6, 0.8};
  for (const Direction direction : both) {
    const auto curve = make_curve(reference, 4, direction, f);
    EXPECT_EQ(curve->values, f);
    EXPECT_NEAR(curve->auc, (0.2 + 0.3 + 0.6 + 1) / 4, 1e-15);
  }
  // 102 cells, two a step: 51 steps; f = 0 everywhere leaves the last step's 2 cells
  EXPECT_NEAR(make_curve(reference, 102, Direction::deletion, std::vector<double>(52, 0))->auc, 2 / 102.0,
              1e-15);
}

TEST(Curve, OfALinearModelHasAClosedForm) {
  // Equal weights: a straight line, AUC 1/2, in any order.
  const std::vector<double> equal(49, 0.9 / 49);
  std::vector<float> map(49);
  Random random(5, "map");
  for (float& value : map) value = static_cast<float>(random.uniform());
  const CurveOptions options = {.steps = 49};
  for (const Direction direction : both) {
    const auto curve = make_curve(options, 49, direction, linear_model(options, map, equal, 0.05, direction));
    EXPECT_NEAR(curve->auc, 0.5, 1e-12);
  }

  // Weights w_k for the k-th most important cell: the curve is their running sum, and each cell is in it for
  // all steps but k, half of its own step: AUC = sum w_k (49 - k - 1/2) / 49.
  std::vector<double> weights(49);
  const auto order = importance_order(map);
  double total = 0, area = 0;
  for (int k = 0; k < 49; ++k) total += weights[order[k]] = 1.0 / (k + 1);
  for (int k = 0; k < 49; ++k) area += weights[order[k]] / total * (49 - k - 0.5) / 49;
  for (double& weight : weights) weight *= 0.8 / total;
  const auto insertion = make_curve(options, 49, Direction::insertion,
                                    linear_model(options, map, weights, 0.1, Direction::insertion));
  EXPECT_NEAR(insertion->auc, area, 1e-12);
  const auto deletion = make_curve(options, 49, Direction::deletion,
                                   linear_model(options, map, weights, 0.1, Direction::deletion));
  EXPECT_NEAR(deletion->auc, 1 - area, 1e-12);  // what is deleted is what was not yet inserted
  EXPECT_GT(insertion->auc, 0.7);
}

TEST(Curve, WithoutAGapIsUndefined) {
  const auto curve_of_gap = [](double gap, Direction direction) {
    std::vector f = {0.25, 0.3, 0.25 + gap};
    if (direction == Direction::deletion) std::reverse(f.begin(), f.end());
    return make_curve({.steps = 2, .min_gap = 0.125}, 4, direction, f);
  };
  for (const Direction direction : both) {
    EXPECT_TRUE(curve_of_gap(0.125, direction));
    EXPECT_FALSE(curve_of_gap(0.1249, direction));
    EXPECT_FALSE(curve_of_gap(0, direction));
    EXPECT_FALSE(curve_of_gap(-0.2, direction));
    EXPECT_FALSE(curve_of_gap(std::nan(""), direction));
  }
  EXPECT_TRUE(make_curve(reference, 2, Direction::insertion, std::vector{0.3, 0.3, 0.3}));
}

TEST(Curve, RefusesBadOptionsAndWrongLengths) {
  EXPECT_THROW(curve_counts({.steps = 0}, 4), UsageError);
  EXPECT_THROW(curve_counts({.steps = 5}, 4), UsageError);
  EXPECT_NO_THROW(curve_counts({.metric = Metric::reference, .steps = 50}, 4));
  for (const double gap : {0.0, -0.1, 1.1, std::nan("")})
    EXPECT_THROW(curve_counts({.steps = 4, .min_gap = gap}, 4), UsageError);
  EXPECT_THROW(make_curve({.steps = 4}, 4, Direction::insertion, std::vector{0.1, 0.9}), Error);
}

}  // namespace
}  // namespace xai
