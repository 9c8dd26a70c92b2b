#include "xai/metrics/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "xai/core/error.hpp"
#include "xai/core/random.hpp"

namespace xai {
namespace {

const std::vector<double> values = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3.5};

TEST(Statistics, AgreesWithNumpy) {
  const auto s = describe(values, 1);
  EXPECT_EQ(s.n, 10);
  EXPECT_DOUBLE_EQ(s.mean, 3.95);
  EXPECT_DOUBLE_EQ(s.median, 3.75);
  EXPECT_DOUBLE_EQ(s.standard_deviation, 2.4545875417267156);  // numpy.std(values, ddof=1)
}

TEST(Statistics, QuantilesAgreeWithNumpy) {
  const std::vector<double> ascending = {1, 1, 2, 3, 3.5, 4, 5, 5, 6, 9};
  EXPECT_DOUBLE_EQ(quantile(ascending, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(ascending, 0.77), 5);
  EXPECT_DOUBLE_EQ(quantile(ascending, 0.975), 8.325);
  EXPECT_DOUBLE_EQ(quantile(ascending, 1), 9);
  EXPECT_DOUBLE_EQ(quantile(std::vector<double>{4}, 0.3), 4);
}

TEST(Statistics, OfNothingIsUndefinedAndOfOneValueHasNoSpread) {
  const auto none = describe({}, 1);
  EXPECT_EQ(none.n, 0);
  for (const double x : {none.mean, none.median, none.standard_deviation, none.low, none.high})
    EXPECT_TRUE(std::isnan(x));
  const auto one = describe(std::vector<double>{7}, 1);
  EXPECT_EQ(one.n, 1);
  for (const double x : {one.mean, one.median, one.low, one.high}) EXPECT_EQ(x, 7);
  EXPECT_TRUE(std::isnan(one.standard_deviation));
  EXPECT_THROW(describe(values, 1, 0), UsageError);
}

TEST(Statistics, IntervalIsAFunctionOfTheSeed) {
  const auto first = describe(values, 1), again = describe(values, 1), other = describe(values, 2);
  EXPECT_EQ(first.low, again.low);
  EXPECT_EQ(first.high, again.high);
  EXPECT_NE(first.low + first.high, other.low + other.high);
}

// The resampled mean of 30 ones and 70 zeros is Binomial(100, 0.3) / 100; scipy.stats.binom.ppf: 0.21 and
// 0.39.
TEST(Statistics, IntervalOfZerosAndOnesIsBinomial) {
  std::vector<double> bits(100, 0);
  std::fill_n(bits.begin(), 30, 1);
  const auto s = describe(bits, 5, 20'000);
  EXPECT_NEAR(s.low, 0.21, 0.01);
  EXPECT_NEAR(s.high, 0.39, 0.01);
}

// scipy.stats.bootstrap(method="percentile", n_resamples=200000)
TEST(Statistics, IntervalAgreesWithScipy) {
  std::vector<double> thrice;
  for (int i = 0; i < 3; ++i) thrice.insert(thrice.end(), values.begin(), values.end());
  const auto s = describe(thrice, 5, 50'000);
  EXPECT_NEAR(s.low, 3.1333, 0.02);
  EXPECT_NEAR(s.high, 4.8, 0.02);
}

TEST(Statistics, IntervalCoversTheTrueMeanAboutNineteenTimesInTwenty) {
  Random random(11, "coverage");
  const int trials = 400;
  int covered = 0;
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<double> sample(60);
    for (double& x : sample) x = random.uniform();
    const auto s = describe(sample, trial, 400);
    covered += s.low <= 0.5 && 0.5 <= s.high;
  }
  // percentile intervals of 60 values cover slightly less than 95 %: 94 %, four standard errors either side
  EXPECT_NEAR(covered / static_cast<double>(trials), 0.94, 4 * std::sqrt(0.94 * 0.06 / trials));
}

// Draws are shared and numbers are not: to the last bit those of each quantity alone.
TEST(Statistics, SeveralQuantitiesAreDescribedAsEachAlone) {
  Random random(3, "quantities");
  std::vector<std::vector<double>> quantities;
  for (const std::size_t n : {40, 7, 0, 40, 1, 7, 40}) {
    auto& values_of_one = quantities.emplace_back(n);
    for (double& x : values_of_one) x = random.uniform();
  }
  const auto together = describe_all(quantities, 5, 300);
  ASSERT_EQ(together.size(), quantities.size());
  for (std::size_t q = 0; q < quantities.size(); ++q) {
    // the definition: one sum after the other, drawn from one stream
    const std::vector<double>& of_one = quantities[q];
    EXPECT_EQ(together[q].n, static_cast<long>(of_one.size()));
    if (of_one.empty()) {
      EXPECT_TRUE(std::isnan(together[q].low) && std::isnan(together[q].mean));
      continue;
    }
    Random draws(5, "bootstrap");
    std::vector<double> means;
    for (int resample = 0; resample < 300; ++resample) {
      double sum = 0;
      for (std::size_t i = 0; i < of_one.size(); ++i) sum += of_one[draws.index(of_one.size())];
      means.push_back(sum / static_cast<double>(of_one.size()));
    }
    std::sort(means.begin(), means.end());
    EXPECT_EQ(together[q].low, quantile(means, 0.025));
    EXPECT_EQ(together[q].high, quantile(means, 0.975));
    const auto alone = describe(of_one, 5, 300);
    EXPECT_EQ(alone.low, together[q].low);
    EXPECT_EQ(alone.median, together[q].median);
  }
}

}  // namespace
}  // namespace xai
