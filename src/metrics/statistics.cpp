#include "xai/metrics/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "xai/core/error.hpp"
#include "xai/core/random.hpp"

namespace xai {
namespace {

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Ascending means of `resamples` samples drawn from `values` with replacement.
std::vector<double> bootstrap_means(std::span<const double> values, std::uint64_t seed, int resamples) {
  Random random(seed, "bootstrap");
  std::vector<double> means(resamples);
  for (double& mean : means) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += values[random.index(values.size())];
    mean = sum / static_cast<double>(values.size());
  }
  std::sort(means.begin(), means.end());
  return means;
}

}  // namespace

double quantile(std::span<const double> ascending, double q) {
  const double position = q * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const auto above = std::min(below + 1, ascending.size() - 1);
  return std::lerp(ascending[below], ascending[above], position - static_cast<double>(below));
}

Statistics describe(std::span<const double> values, std::uint64_t seed, int resamples) {
  require(resamples >= 1, "resamples ", resamples, " is below 1");
  Statistics result;
  result.n = static_cast<long>(values.size());
  if (values.empty()) return result;

  std::vector<double> ascending(values.begin(), values.end());
  std::sort(ascending.begin(), ascending.end());
  result.mean = mean_of(values);
  result.median = quantile(ascending, 0.5);
  if (result.n > 1) {
    double squares = 0;
    for (const double value : values) squares += (value - result.mean) * (value - result.mean);
    result.standard_deviation = std::sqrt(squares / static_cast<double>(result.n - 1));
  }
  const auto means = bootstrap_means(values, seed, resamples);
  result.low = quantile(means, 0.025);
  result.high = quantile(means, 0.975);
  return result;
}

}  // namespace xai
