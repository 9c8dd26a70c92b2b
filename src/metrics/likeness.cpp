#include "xai/metrics/likeness.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "xai/metrics/curve.hpp"

namespace xai {
namespace {

/// From 1; equal values share the mean of their places.
std::vector<double> ranks_of(std::span<const float> map) {
  std::vector<std::size_t> order(map.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return map[a] < map[b]; });
  std::vector<double> ranks(map.size());
  for (std::size_t first = 0, end = 0; first < order.size(); first = end) {
    while (end < order.size() && map[order[end]] == map[order[first]]) ++end;
    for (std::size_t i = first; i < end; ++i) ranks[order[i]] = static_cast<double>(first + end + 1) / 2;
  }
  return ranks;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const double mean = (static_cast<double>(a.size()) + 1) / 2;  // of ranks
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean) * (b[i] - mean);
    aa += (a[i] - mean) * (a[i] - mean);
    bb += (b[i] - mean) * (b[i] - mean);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : std::numeric_limits<double>::quiet_NaN();
}

/// Its most important tenth, ascending.
std::vector<int> top_of(std::span<const float> map) {
  std::vector<int> order = importance_order(map);
  order.resize(std::max<std::size_t>(1, (map.size() + 5) / 10));
  std::sort(order.begin(), order.end());
  return order;
}

double overlap(const std::vector<int>& a, const std::vector<int>& b) {
  std::vector<int> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return static_cast<double>(both.size()) / static_cast<double>(a.size());
}

}  // namespace

MapLikeness likeness_of(std::span<const std::vector<float>> maps) {
  std::vector<std::vector<double>> ranks;
  std::vector<std::vector<int>> tops;
  for (const auto& map : maps) {
    ranks.push_back(ranks_of(map));
    tops.push_back(top_of(map));
  }
  MapLikeness sum{0, 0};
  for (std::size_t i = 0; i < maps.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      sum.rank_correlation += correlation(ranks[i], ranks[j]);
      sum.top_overlap += overlap(tops[i], tops[j]);
    }
  const double pairs = static_cast<double>(maps.size()) * (static_cast<double>(maps.size()) - 1) / 2;
  return {sum.rank_correlation / pairs, sum.top_overlap / pairs};
}

}  // namespace xai
