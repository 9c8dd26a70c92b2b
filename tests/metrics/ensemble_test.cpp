#include "xai/metrics/ensemble.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>

#include "xai/core/error.hpp"
#include "xai/core/random.hpp"

namespace xai {
namespace {

using Matrix = std::vector<float>;

Ensembles count(const std::vector<Matrix>& matrices, const std::vector<int>& labels, int classes) {
  EnsembleCounter counter(matrices.size(), classes);
  for (std::size_t image = 0; image < labels.size(); ++image) {
    std::vector<std::span<const float>> rows;
    for (const Matrix& matrix : matrices) {
      const auto begin = std::min(image * classes, matrix.size());
      rows.push_back(std::span(matrix).subspan(begin, std::min<std::size_t>(classes, matrix.size() - begin)));
    }
    counter.add(rows, labels[image]);
  }
  return counter.result();
}

TEST(Ensemble, ByHand) {
  // three images of classes 0, 1, 2; each model is right once, and sure of it
  const std::vector<Matrix> matrices = {{0.75F, 0.25F, 0, 0.5F, 0.25F, 0.25F, 0.5F, 0.25F, 0.25F},
                                        {0.25F, 0.5F, 0.25F, 0, 1, 0, 0.25F, 0.5F, 0.25F},
                                        {0.25F, 0.25F, 0.5F, 0.25F, 0.25F, 0.5F, 0, 0.25F, 0.75F}};
  const Ensembles ensembles = count(matrices, {0, 1, 2}, 3);
  EXPECT_EQ(ensembles.images, 3);
  const std::vector<std::pair<std::vector<int>, long>> expected = {
      {{0}, 1}, {{1}, 1}, {{2}, 1}, {{0, 1}, 2}, {{0, 2}, 2}, {{1, 2}, 2}, {{0, 1, 2}, 3}};
  ASSERT_EQ(ensembles.sets.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(ensembles.sets[i].members, expected[i].first);
    EXPECT_EQ(ensembles.sets[i].top1, expected[i].second) << i;
    EXPECT_EQ(ensembles.sets[i].top5, 3);  // of three classes
  }
}

TEST(Ensemble, OfEqualMeansTheSmallerIndexComesFirst) {
  const std::vector<Matrix> matrices = {{0.5F, 0, 0.5F}, {0, 0.5F, 0.5F}};
  for (const auto& [label, first, second, both] :
       {std::tuple{0, 1, 0, 0}, {1, 0, 1, 0}, {2, 0, 0, 1}}) {  // (0.25, 0.25, 0.5) together
    const auto sets = count(matrices, {label}, 3).sets;
    EXPECT_EQ(sets[0].top1, first) << label;
    EXPECT_EQ(sets[1].top1, second) << label;
    EXPECT_EQ(sets[2].top1, both) << label;
  }
  for (int label = 0; label < 8; ++label) {  // all equal: ranks are indices
    const auto sets = count({Matrix(8, 0.125F)}, {label}, 8).sets;
    EXPECT_EQ(sets[0].top1, label == 0);
    EXPECT_EQ(sets[0].top5, label < 5);
  }
}

TEST(Ensemble, LeavesOutWhatSomeModelDidNotEvaluate) {
  const std::vector<Matrix> matrices = {{1, 0, 0, 1, 0, 1}, {1, 0, 0, 0, 0, 1}};
  const Ensembles ensembles = count(matrices, {0, 1, 1}, 2);
  EXPECT_EQ(ensembles.images, 2);
  for (const Ensemble& set : ensembles.sets) EXPECT_EQ(set.top1, 2);
  EXPECT_EQ(count({Matrix(4, 0)}, {0, 1}, 2).images, 0);
  EXPECT_TRUE(count({}, {0}, 2).sets.empty());
}

TEST(Ensemble, AgreesWithSortingTheMeans) {
  const int models = 5, images = 60, classes = 9;
  Random random(3, "ensembles");
  std::vector<Matrix> matrices(models, Matrix(images * classes));
  for (auto& matrix : matrices)
    for (float& p : matrix) p = static_cast<float>(1 + random.index(12)) / 64;  // ties are common
  std::vector<int> labels(images);
  for (int& label : labels) label = static_cast<int>(random.index(classes));

  std::map<std::vector<int>, std::pair<long, long>> expected;
  for (unsigned bits = 1; bits < 1U << models; ++bits) {
    if (std::popcount(bits) > 3) continue;
    std::vector<int> members;
    for (int m = 0; m < models; ++m)
      if (bits >> m & 1) members.push_back(m);
    auto& [top1, top5] = expected[members];
    for (int image = 0; image < images; ++image) {
      std::vector<float> means(classes, 0);  // multiples of 1/64: exact
      for (int k = 0; k < classes; ++k)
        for (const int m : members) means[k] += matrices[m][image * classes + k];
      std::vector<int> order(classes);
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return means[a] > means[b]; });
      top1 += order[0] == labels[image];
      top5 += std::count(order.begin(), order.begin() + 5, labels[image]);
    }
  }
  const Ensembles ensembles = count(matrices, labels, classes);
  EXPECT_EQ(ensembles.images, images);
  ASSERT_EQ(ensembles.sets.size(), expected.size());
  for (const Ensemble& set : ensembles.sets)
    EXPECT_EQ(std::pair(set.top1, set.top5), expected.at(set.members)) << testing::PrintToString(set.members);
  EXPECT_TRUE(std::is_sorted(ensembles.sets.begin(), ensembles.sets.end(), [](const auto& a, const auto& b) {
    return std::pair(a.members.size(), a.members) < std::pair(b.members.size(), b.members);
  }));
}

TEST(Ensemble, RefusesWhatDoesNotFit) {
  EXPECT_THROW(count({{1, 0, 0}}, {0, 1}, 2), Error);
  EXPECT_THROW(count({{1, 0}}, {2}, 2), Error);
  EXPECT_THROW(count({{1, 0}}, {-1}, 2), Error);
  EXPECT_THROW(EnsembleCounter(2, 2).add(std::vector<std::span<const float>>(1), 0), Error);
}

TEST(Ensemble, CanBeAskedInBetween) {
  const std::vector<float> sure = {1, 0};
  EnsembleCounter counter(1, 2);
  counter.add(std::vector<std::span<const float>>{sure}, 0);
  EXPECT_EQ(counter.result().sets[0].top1, 1);
  counter.add(std::vector<std::span<const float>>{sure}, 1);
  EXPECT_EQ(counter.result().images, 2);
  EXPECT_EQ(counter.result().sets[0].top1, 1);
}

}  // namespace
}  // namespace xai
