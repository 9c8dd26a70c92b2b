#include "xai/metrics/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "xai/core/error.hpp"
#include "xai/core/random.hpp"

namespace xai {
namespace {

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Of each of some quantities, with n values each: the ascending means of `resamples` samples that are drawn
/// from its values with replacement. A draw takes the same place in all quantities.
std::vector<std::vector<double>> bootstrap_means(const std::vector<std::span<const double>>& quantities,
                                                 std::uint64_t seed, int resamples) {
  const std::size_t n = quantities.front().size(), width = quantities.size();
  std::vector<double> rows(n * width);  // the values of one place lie side by side
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t q = 0; q < width; ++q) rows[i * width + q] = quantities[q][i];
  Random random(seed, "bootstrap");
  std::vector<std::vector<double>> means(width);
  std::vector<double> sums(width);
  for (int resample = 0; resample < resamples; ++resample) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      const double* row = &rows[random.index(n) * width];
      for (std::size_t q = 0; q < width; ++q) sums[q] += row[q];
    }
    for (std::size_t q = 0; q < width; ++q) means[q].push_back(sums[q] / static_cast<double>(n));
  }
  for (std::vector<double>& of_quantity : means) std::sort(of_quantity.begin(), of_quantity.end());
  return means;
}

/// All but the interval; at least one value.
Statistics without_interval(std::span<const double> values) {
  Statistics result;
  result.n = static_cast<long>(values.size());
  std::vector<double> ascending(values.begin(), values.end());
  std::sort(ascending.begin(), ascending.end());
  result.mean = mean_of(values);
  result.median = quantile(ascending, 0.5);
  if (result.n > 1) {
    double squares = 0;
    for (const double value : values) squares += (value - result.mean) * (value - result.mean);
    result.standard_deviation = std::sqrt(squares / static_cast<double>(result.n - 1));
  }
  return result;
}

}  // namespace

double quantile(std::span<const double> ascending, double q) {
  const double position = q * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const auto above = std::min(below + 1, ascending.size() - 1);
  return std::lerp(ascending[below], ascending[above], position - static_cast<double>(below));
}

Statistics describe(std::span<const double> values, std::uint64_t seed, int resamples) {
  const std::vector<double> quantity(values.begin(), values.end());
  return describe_all({&quantity, 1}, seed, resamples).front();
}

std::vector<Statistics> describe_all(std::span<const std::vector<double>> quantities, std::uint64_t seed,
                                     int resamples) {
  require(resamples >= 1, "resamples ", resamples, " is below 1");
  std::vector<Statistics> result(quantities.size());
  std::map<std::size_t, std::vector<std::size_t>> by_count;
  for (std::size_t q = 0; q < quantities.size(); ++q)
    if (!quantities[q].empty()) {
      result[q] = without_interval(quantities[q]);
      by_count[quantities[q].size()].push_back(q);
    }
  for (const auto& [count, indices] : by_count) {
    std::vector<std::span<const double>> alike;
    for (const std::size_t q : indices) alike.emplace_back(quantities[q]);
    const auto means = bootstrap_means(alike, seed, resamples);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      result[indices[i]].low = quantile(means[i], 0.025);
      result[indices[i]].high = quantile(means[i], 0.975);
    }
  }
  return result;
}

}  // namespace xai
