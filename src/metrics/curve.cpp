#include "xai/metrics/curve.hpp"

#include <algorithm>
#include <numeric>

#include "xai/core/error.hpp"

namespace xai {
namespace {

double trapezoid(std::span<const double> values) {
  const double inner = std::accumulate(values.begin(), values.end(), 0.0);
  return (inner - (values.front() + values.back()) / 2) / static_cast<double>(values.size() - 1);
}

template <class Number>
std::vector<int> descending(std::span<const Number> map) {
  std::vector<int> order(map.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return map[a] > map[b]; });
  return order;
}

/// Every cell weighs f just after its step, and 1 in the last step.
double reference_score(std::span<const int> counts, std::span<const double> f) {
  double sum = 0;
  for (std::size_t i = 1; i < counts.size(); ++i)
    sum += (counts[i] - counts[i - 1]) * (i + 1 < counts.size() ? f[i] : 1.0);
  return sum / counts.back();
}

}  // namespace

void describe(OptionTable& table, CurveOptions& options) {
  table.group("Curves");
  table.add(
      "metric", options.metric,
      "Insertion (higher is better) and deletion (lower is better): normalised curves, or the score of the "
      "public iGOS++ code");
  table.add("steps", options.steps, "Steps of a normalised curve").at_least(1);
  table
      .add("min_gap", options.min_gap,
           "Normalised curves need this much probability between image and baseline")
      .above_up_to(0, 1);
}

void CurveOptions::validate(int cells) const {
  validate_described(*this);
  require(steps <= cells || metric == Metric::reference, "'steps' must be from 1 to ", cells,
          ", the number of cells of a map, not ", steps);
}

std::vector<int> importance_order(std::span<const float> map) {
  return descending(map);
}

std::vector<int> importance_order(std::span<const double> map) {
  return descending(map);
}

std::vector<int> curve_counts(const CurveOptions& options, int cells) {
  options.validate(cells);
  std::vector<int> counts;
  if (options.metric == Metric::normalised) {
    const long steps = options.steps;
    for (long t = 0; t <= steps; ++t)
      counts.push_back(static_cast<int>((2 * t * cells + steps) / (2 * steps)));
  } else {
    const int step = std::max(1, cells / 50);
    for (int count = 0; count < cells; count += step) counts.push_back(count);
    counts.push_back(cells);
  }
  return counts;
}

std::vector<float> curve_mask(std::span<const int> order, int count, Direction direction) {
  const bool inserts = direction == Direction::insertion;
  std::vector<float> mask(order.size(), inserts ? 0.0F : 1.0F);
  for (const int cell : order.first(count)) mask[cell] = inserts ? 1.0F : 0.0F;
  return mask;
}

std::optional<Curve> make_curve(const CurveOptions& options, int cells, Direction direction,
                                std::span<const double> f) {
  const auto counts = curve_counts(options, cells);
  require<Error>(f.size() == counts.size(), "a curve of ", counts.size(), " points does not have ", f.size(),
                 " probabilities");
  if (options.metric == Metric::reference) return Curve{{f.begin(), f.end()}, reference_score(counts, f)};

  const bool inserts = direction == Direction::insertion;
  const double full = inserts ? f.back() : f.front();
  const double baseline = inserts ? f.front() : f.back();
  if (!(full - baseline >= options.min_gap)) return std::nullopt;
  Curve curve;
  for (const double value : f) curve.values.push_back((value - baseline) / (full - baseline));
  curve.auc = trapezoid(curve.values);
  return curve;
}

}  // namespace xai
