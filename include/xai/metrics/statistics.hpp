#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace xai {

/// What the tables show of one quantity. What is undefined is NaN (written as null): everything for n = 0,
/// the standard deviation for n = 1.
struct Statistics {
  static constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

  long n = 0;
  double mean = undefined;
  double median = undefined;
  double standard_deviation = undefined;  ///< of the sample: divided by n - 1
  double low = undefined;  ///< 95 % interval of the mean: bootstrap over the values, percentiles
  double high = undefined;
};

/// The q-quantile, 0 <= q <= 1, of ascending values (at least one), linear between neighbours (numpy's
/// default).
double quantile(std::span<const double> ascending, double q);

/// Describes finite `values`. The interval depends on the values, their order, `seed` and `resamples` >= 1
/// only.
Statistics describe(std::span<const double> values, std::uint64_t seed, int resamples = 2000);

/// Describes several quantities, each as describe() does: the draws of those with equally many values are the
/// same, and made once.
std::vector<Statistics> describe_all(std::span<const std::vector<double>> quantities, std::uint64_t seed,
                                     int resamples = 2000);

}  // namespace xai
