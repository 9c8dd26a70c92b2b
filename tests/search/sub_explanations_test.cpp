#include "xai/search/sub_explanations.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "search/synthetic.hpp"
#include "search/truth_table.hpp"
#include "xai/core/error.hpp"
#include "xai/core/memory.hpp"

namespace xai {
namespace {

using testing::Score;

SubExplanationOptions on_grid(int grid, double node_threshold = 0.5) {
  SubExplanationOptions options;
  options.grid = grid;
  options.node_threshold = node_threshold;
  options.max_nodes = 1'000'000;
  return options;
}

SubExplanations count(const Score& score, const std::vector<PatchSet>& roots,
                      const SubExplanationOptions& options) {
  Scorer scorer;
  return run_search(scorer, count_sub_explanations(scorer, roots, options), score);
}

/// SPEC 5 read word for word: the trees are walked, one patch taken away at a time.
struct WalkedTrees {
  WalkedTrees(const Score& score, const std::vector<PatchSet>& roots, int grid, double threshold)
      : score_(score), full_(score(PatchSet::all(grid * grid))), threshold_(threshold) {
    for (const PatchSet& root : roots) walk(root);
  }

  void walk(const PatchSet& set) {
    if (set.empty() || score_(set) / full_ < threshold_) return;
    ++tree_nodes;
    ++tree_nodes_by_size[set.size()];
    sets.insert(set);
    for (const int patch : set.patches()) walk(set.without(patch));
  }

  std::set<PatchSet> sets;
  long tree_nodes = 0;
  std::map<int, long> tree_nodes_by_size;

 private:
  const Score& score_;
  double full_;
  double threshold_;
};

void expect_equal(const SubExplanationCount& count, const WalkedTrees& walked) {
  EXPECT_EQ(count.all.distinct, static_cast<long>(walked.sets.size()));
  EXPECT_EQ(count.all.tree_nodes, BigUnsigned(walked.tree_nodes));
  EXPECT_FALSE(count.truncated);
  std::map<int, long> distinct_by_size;
  for (const PatchSet& set : walked.sets) ++distinct_by_size[set.size()];
  ASSERT_EQ(count.by_size.size(), distinct_by_size.size());
  for (const auto& [size, sets] : count.by_size) {
    EXPECT_EQ(sets.distinct, distinct_by_size[size]) << "size " << size;
    EXPECT_EQ(sets.tree_nodes, BigUnsigned(walked.tree_nodes_by_size.at(size))) << "size " << size;
  }
}

void expect_walked(const Score& score, const std::vector<PatchSet>& roots, int grid, double threshold) {
  const auto result = count(score, roots, on_grid(grid, threshold));
  const WalkedTrees walked(score, roots, grid, threshold);
  expect_equal(result.total, walked);
  ASSERT_EQ(result.per_root.size(), roots.size());
  for (std::size_t i = 0; i < roots.size(); ++i)
    expect_equal(result.per_root[i], WalkedTrees(score, {roots[i]}, grid, threshold));
  const double full = score(PatchSet::all(grid * grid));
  std::set<PatchSet> sets;
  for (const auto& [patches, ratio] : result.sets) {
    sets.insert(patches);
    EXPECT_EQ(ratio, score(patches) / full);
  }
  EXPECT_EQ(sets, walked.sets);
  EXPECT_EQ(sets.size(), result.sets.size());
}

/// Different random sets of at most `largest` patches.
std::vector<PatchSet> random_roots(int grid, int how_many, int largest, Random& random) {
  std::set<PatchSet> roots;
  while (static_cast<int>(roots.size()) < how_many) {
    PatchSet root;
    for (auto size = 1 + random.index(largest); size > 0; --size)
      root.insert(static_cast<int>(random.index(grid * grid)));
    roots.insert(root);
  }
  return {roots.begin(), roots.end()};
}

double binomial(int n, int k) {
  return std::round(std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1)));
}

TEST(SubExplanations, OfAFullLatticeAreBinomialsAndFactorials) {
  for (const int size : {1, 2, 5, 10}) {
    const auto result = count([](const PatchSet&) { return 1.0; }, {PatchSet::all(size)}, on_grid(7));
    EXPECT_EQ(result.total.all.distinct, (1L << size) - 1);  // all but the empty set
    long tree_nodes = 0;
    for (int k = size, orders = 1; k >= 1; orders *= k--) {  // n! / k! orders to the sets of k patches
      tree_nodes += orders;
      EXPECT_EQ(result.total.by_size.at(k).distinct, binomial(size, k));
      EXPECT_EQ(result.total.by_size.at(k).tree_nodes, BigUnsigned(orders));
    }
    EXPECT_EQ(result.total.all.tree_nodes, BigUnsigned(tree_nodes));
    EXPECT_EQ(result.evaluations, (1L << size) - 1);
    EXPECT_EQ(result.saved, 0);
  }
}

TEST(SubExplanations, OfAChainAreItsSets) {
  // only {0 .. k} count, so there is one deletion order to each
  const Score chain = [](const PatchSet& set) { return set == PatchSet::all(set.size()) ? 1.0 : 0.1; };
  const auto result = count(chain, {PatchSet::all(9)}, on_grid(4));
  EXPECT_EQ(result.total.all.distinct, 9);
  EXPECT_EQ(result.total.all.tree_nodes, BigUnsigned(9));
  EXPECT_EQ(result.evaluations, 9 + 8 + 7 + 6 + 5 + 4 + 3 + 2 + 1);
}

TEST(SubExplanations, OfAnyNumberOfPatches) {
  const Score score = [](const PatchSet& set) { return set.is_subset_of(PatchSet::all(5)) ? 0.7 : 0.0; };
  const std::vector<PatchSet> roots{{0, 1, 4}};
  Scorer scorer;
  const auto counts = run_search(scorer, count_sub_explanations(scorer, roots, on_grid(7), 5), score);
  EXPECT_EQ(counts.total.all.distinct, 7);
  EXPECT_EQ(counts.sets.front().ratio, 1);
  EXPECT_THROW(count_sub_explanations(scorer, roots, on_grid(7), 257), UsageError);
}

TEST(SubExplanations, ChildrenThatRootsShareAreOneSetButManyOrders) {
  const Score all = [](const PatchSet&) { return 0.8; };
  const auto result = count(all, {{0, 1}, {1, 2}}, on_grid(3));
  EXPECT_EQ(result.total.all.distinct, 5);                 // 01, 12, 0, 1, 2
  EXPECT_EQ(result.total.all.tree_nodes, BigUnsigned(6));  // 1 from both
  EXPECT_EQ(result.total.by_size.at(1).distinct, 3);
  EXPECT_EQ(result.total.by_size.at(1).tree_nodes, BigUnsigned(4));
  for (const auto& root : result.per_root) {
    EXPECT_EQ(root.all.distinct, 3);
    EXPECT_EQ(root.all.tree_nodes, BigUnsigned(3));
  }
}

TEST(SubExplanations, AreReachedThroughSetsThatCountOnly) {
  // {0} keeps the confidence, but on the way from {0, 1, 2} all pairs lose it
  const Score gap = [](const PatchSet& set) { return set.size() == 2 ? 0.3 : 0.9; };
  const auto result = count(gap, {{0, 1, 2}}, on_grid(3));
  EXPECT_EQ(result.total.all.distinct, 1);
  EXPECT_EQ(result.total.all.tree_nodes, BigUnsigned(1));
}

TEST(SubExplanations, TheThresholdBelongsToThoseThatCount) {
  const Score halves = [](const PatchSet& set) { return set.size() > 1 ? 0.5 : 0.25; };
  EXPECT_EQ(count(halves, {{0, 1}}, on_grid(3, 0.5)).total.all.distinct, 3);
  EXPECT_EQ(count(halves, {{0, 1}}, on_grid(3, std::nextafter(0.5, 1))).total.all.distinct, 1);
}

TEST(SubExplanations, NothingCountsBelowTheThresholdOrWithoutRootsOrProbability) {
  const Score low = [](const PatchSet& set) { return set.size() == 9 ? 1.0 : 0.2; };
  for (const auto& result : {count(low, {{0, 1}, {3}}, on_grid(3)), count(low, {}, on_grid(3)),
                             count([](const PatchSet&) { return 0.0; }, {{0, 1}}, on_grid(3))}) {
    EXPECT_EQ(result.total.all.distinct, 0);
    EXPECT_TRUE(result.total.all.tree_nodes.is_zero());
    EXPECT_TRUE(result.total.by_size.empty());
    EXPECT_FALSE(result.total.truncated);
    EXPECT_TRUE(result.sets.empty());
  }
}

TEST(SubExplanations, EqualTheWalkedTreesOfInventedScorers) {
  Random random(5, "roots");
  for (const std::uint64_t seed : {1, 2, 3, 4, 5})
    for (const double amplitude : {0.0, 0.4, 1.5}) {
      const auto score = testing::shaken(4, seed, amplitude);
      for (const double threshold : {0.2, 0.4, 0.7})
        expect_walked(score, random_roots(4, 6, 9, random), 4, threshold);
    }
  const Score steps = [](const PatchSet& set) { return (set.size() + 2) / 3 * 0.25; };  // many ties
  expect_walked(steps, random_roots(4, 8, 8, random), 4, 0.3);
}

TEST(SubExplanations, RootsMayHoldRoots) {
  expect_walked(testing::shaken(3, 9), {{0, 1, 2, 4}, {0, 1, 2}, {1, 2}, {5}, {0, 1, 4}}, 3, 0.2);
}

TEST(SubExplanations, DoNotDependOnTheOrderOfRootsOrOnTheChunksOfAnswers) {
  const auto score = testing::shaken(4, 7, 0.8);
  Random random(6, "roots");
  auto roots = random_roots(4, 7, 9, random);
  auto options = on_grid(4, 0.3);
  for (const long bound : {1'000'000L, 60L}) {
    options.max_nodes = bound;
    const auto once = count(score, roots, options);
    EXPECT_EQ(once.total.truncated, bound == 60);
    std::reverse(roots.begin(), roots.end());
    const auto again = count(score, roots, options);
    EXPECT_EQ(once.total.all.distinct, again.total.all.distinct);
    EXPECT_EQ(once.total.all.tree_nodes, again.total.all.tree_nodes);
    for (std::size_t i = 0; i < roots.size(); ++i)
      EXPECT_EQ(once.per_root[i].all.tree_nodes, again.per_root[roots.size() - 1 - i].all.tree_nodes);

    Scorer scorer;
    auto search = count_sub_explanations(scorer, roots, options);
    search.start();
    while (!search.done()) {
      while (scorer.queued() > 0)
        for (const PatchSet& set : scorer.take(3)) scorer.answer(set, score(set));
      scorer.resume();
    }
    EXPECT_EQ(search.result().total.all.tree_nodes, again.total.all.tree_nodes);
  }
}

TEST(SubExplanations, TheBoundKeepsTheStrongestOfALevel) {
  // p grows with the patch numbers, so of {3} and {0, 1, 2}'s children the strongest is {1, 2}
  const Score score = [](const PatchSet& set) {
    double p = 0.5;
    for (const int patch : set.patches()) p += 0.01 * patch;
    return set.size() == 9 ? 0.6 : p;
  };
  auto options = on_grid(3, 0.1);
  options.max_nodes = 3;
  const auto result = count(score, {{0, 1, 2}, {3}}, options);
  ASSERT_EQ(result.sets.size(), 3U);
  EXPECT_EQ(result.sets[0].patches,
            (PatchSet{0, 1, 2}));  // both ratios are those of 0.53: the smaller bit set
  EXPECT_EQ(result.sets[1].patches, (PatchSet{3}));
  EXPECT_EQ(result.sets[2].patches, (PatchSet{1, 2}));
  EXPECT_EQ(result.total.all.distinct, 3);
  EXPECT_EQ(result.total.all.tree_nodes, BigUnsigned(3));
  EXPECT_TRUE(result.total.truncated);
  EXPECT_TRUE(result.per_root[0].truncated);
  EXPECT_FALSE(result.per_root[1].truncated);  // {3} has no children
  EXPECT_EQ(result.evaluations, 2 + 3);        // nothing below the level that was cut

  options.max_nodes = 1;
  const auto one = count(score, {{0, 1, 2}, {3}}, options);
  EXPECT_EQ(one.total.all.distinct, 1);
  EXPECT_TRUE(one.per_root[1].truncated);  // there was no room for the root
  EXPECT_EQ(one.per_root[1].all.distinct, 0);
}

TEST(SubExplanations, ABoundThatIsNotHitTruncatesNothing) {
  const auto score = testing::shaken(4, 3);
  auto options = on_grid(4, 0.3);
  const std::vector<PatchSet> roots = {PatchSet::all(8)};
  const auto whole = count(score, roots, options);
  options.max_nodes = whole.total.all.distinct + 1;
  EXPECT_FALSE(count(score, roots, options).total.truncated);
  options.max_nodes = whole.total.all.distinct - 1;
  const auto cut = count(score, roots, options);
  EXPECT_TRUE(cut.total.truncated);
  EXPECT_EQ(cut.total.all.distinct, options.max_nodes);
  EXPECT_LT(cut.total.all.tree_nodes.to_double(), whole.total.all.tree_nodes.to_double());
}

TEST(SubExplanations, WhatASearchKnowsCostsNothing) {
  const auto score = testing::shaken(3, 11);
  MseOptions search;
  search.grid = 3;
  search.search = SearchKind::exhaustive;
  Scorer scorer;
  const auto found = run_search(scorer, find_mses(scorer, search), score);
  ASSERT_FALSE(found.mses.empty());
  const auto roots = testing::sets(found);
  const auto counted = run_search(scorer, count_sub_explanations(scorer, roots, on_grid(3)), score);
  const auto alone = count(score, roots, on_grid(3));
  EXPECT_EQ(counted.total.all.tree_nodes, alone.total.all.tree_nodes);
  EXPECT_EQ(counted.evaluations, 0);
  EXPECT_EQ(counted.saved, alone.evaluations);
  EXPECT_EQ(counted.near_ties, alone.near_ties);
}

TEST(SubExplanations, NearTiesAreCounted) {
  const Score near = [](const PatchSet& set) {
    return set.size() == 9 ? 1.0 : set.size() == 2 ? 0.5 + 0.9e-4 : set == PatchSet{0} ? 0.5 - 0.9e-4 : 0.2;
  };
  EXPECT_EQ(count(near, {{0, 1}}, on_grid(3)).near_ties, 2);
  const Score equal = [](const PatchSet&) { return 0.9; };
  auto options = on_grid(3);
  options.max_nodes = 2;
  EXPECT_EQ(count(equal, {{0, 1}}, options).near_ties, 1);  // {0} before {1} by the tie rule
}

TEST(SubExplanations, AMillionSetsAreQuickAndExact) {
  const auto result = count([](const PatchSet&) { return 1.0; }, {PatchSet::all(20)},
                            [] {
                              auto options = on_grid(5);
                              options.max_nodes = 2'000'000;
                              return options;
                            }());
  EXPECT_EQ(result.total.all.distinct, (1 << 20) - 1);
  // Python: sum(factorial(20) // factorial(k) for k in range(1, 21))
  EXPECT_EQ(result.total.all.tree_nodes.to_string(), "4180411311071440001");
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LT(peak_memory_bytes(), 500'000'000);
#endif
}

/// As xai-subexp --mses does: the MSEs of an earlier run are in the memo.
TEST(SubExplanations, WhatIsRememberedIsSavedAndNotShownToTheModel) {
  const Score score = testing::shaken(4, 3);
  MseOptions options;
  options.grid = 4;
  const auto roots = testing::sets(testing::find(score, options));
  ASSERT_FALSE(roots.empty());
  const auto alone = count(score, roots, on_grid(4));
  Scorer scorer;
  for (const PatchSet& root : roots) scorer.remember(root, score(root));
  const auto counted =
      run_search(scorer, count_sub_explanations(scorer, roots, on_grid(4)), [&](const PatchSet& set) {
        EXPECT_EQ(std::count(roots.begin(), roots.end(), set), 0);
        return score(set);
      });
  EXPECT_EQ(counted.saved, static_cast<long>(roots.size()));
  EXPECT_EQ(counted.evaluations + counted.saved, alone.evaluations);
  EXPECT_EQ(counted.total.all.distinct, alone.total.all.distinct);
}

TEST(SubExplanations, OrdersBeyond64BitsAreExact) {
  // three groups of 16 patches, each of which can only lose its last: a group's removals come in one order
  const Score groups = [](const PatchSet& set) {
    for (int group = 0; group < 3; ++group)
      for (int i = 1; i < 16; ++i)
        if (set.contains(16 * group + i) && !set.contains(16 * group + i - 1)) return 0.1;
    return 1.0;
  };
  const auto result = count(groups, {PatchSet::all(48)}, on_grid(7));
  EXPECT_EQ(result.total.all.distinct, 17 * 17 * 17 - 1);
  // Python: the sum of (a + b + c)! / (a! b! c!) over a, b, c in 0 .. 16 with a + b + c < 48
  EXPECT_EQ(result.total.all.tree_nodes.to_string(), "3149145618753746904121");
  EXPECT_NEAR(result.total.all.tree_nodes.log10(), std::log10(3149145618753746904121.0), 1e-12);
}

TEST(SubExplanations, OrdersAreThoseOfTheSetsThatAreKept) {
  auto options = on_grid(6);
  options.max_nodes = 300;
  const auto cut = count([](const PatchSet&) { return 1.0; }, {PatchSet::all(30)}, options);
  EXPECT_EQ(cut.total.all.distinct, 300);
  EXPECT_EQ(cut.total.all.tree_nodes,
            BigUnsigned(1 + 30 + 2 * 269));  // 269 pairs are away, in two orders each
}

TEST(SubExplanations, BadOptionsAreNamed) {
  const auto refused = [](auto change) {
    SubExplanationOptions options;
    change(options);
    try {
      options.validate();
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(refused([](auto&) {}), "");
  EXPECT_NE(refused([](auto& o) { o.grid = 17; }).find("'grid' must be from 2 to 16, not 17"),
            std::string::npos);
  EXPECT_NE(refused([](auto& o) {
              o.node_threshold = 0;
            }).find("'node_threshold' must be above 0 and at most 1, not 0"),
            std::string::npos);
  EXPECT_NE(refused([](auto& o) {
              o.node_threshold = 1.5;
            }).find("'node_threshold' must be above 0 and at most 1, not 1.5"),
            std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.max_nodes = 0; }).find("'max_nodes' must be from 1 to "),
            std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.max_nodes = 1'000'000'000; }).find("'max_nodes' must be from 1 to "),
            std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.probes = -1; }).find("'probe' must be at least 0, not -1"),
            std::string::npos);
}

// ---- probes
// --------------------------------------------------------------------------------------------------

TreeEstimate probe(const Score& score, const std::vector<PatchSet>& roots, SubExplanationOptions options,
                   int probes, const std::string& image = "a") {
  options.probes = probes;
  Scorer scorer;
  return run_search(scorer, estimate_tree_nodes(scorer, roots, options, Random(3, image, "probe")), score);
}

TEST(TreeProbes, AreExactWhereEveryWayIsAlike) {
  const Score all = [](const PatchSet&) { return 1.0; };
  const auto estimate = probe(all, {PatchSet::all(7), PatchSet::all(14) - PatchSet::all(7)}, on_grid(4), 5);
  EXPECT_DOUBLE_EQ(estimate.tree_nodes, 2 * (1 + 7 + 42 + 210 + 840 + 2520 + 5040));
  EXPECT_EQ(estimate.standard_error, 0);
  EXPECT_TRUE(std::isnan(probe(all, {PatchSet::all(7)}, on_grid(4), 1).standard_error));
}

TEST(TreeProbes, OfNothingAreNothing) {
  const Score low = [](const PatchSet& set) { return set.size() == 9 ? 1.0 : 0.2; };
  const auto estimate = probe(low, {{0, 1}}, on_grid(3), 10);
  EXPECT_EQ(estimate.tree_nodes, 0);
  EXPECT_EQ(estimate.standard_error, 0);
  EXPECT_EQ(estimate.evaluations, 1);
}

/// Expectation and variance of one probe, over every way it can go.
struct EveryWay {
  EveryWay(const Score& score, const std::vector<PatchSet>& roots, int grid, double threshold) {
    const double full = score(PatchSet::all(grid * grid));
    const std::function<void(std::vector<PatchSet>, double, double, double)> go =
        [&](std::vector<PatchSet> choices, double weight, double nodes, double chance) {
          std::erase_if(choices,
                        [&](const PatchSet& set) { return set.empty() || score(set) / full < threshold; });
          if (choices.empty()) {
            mean += chance * nodes;
            square += chance * nodes * nodes;
            return;
          }
          const auto count = static_cast<double>(choices.size());
          for (const PatchSet& set : choices) {
            std::vector<PatchSet> next;
            for (const int patch : set.patches()) next.push_back(set.without(patch));
            go(next, weight * count, nodes + weight * count, chance / count);
          }
        };
    go(roots, 1, 0, 1);
  }
  double mean = 0;
  double square = 0;
};

TEST(TreeProbes, AreUnbiasedAndKnowTheirError) {
  const int many = 20'000;
  for (const std::uint64_t seed : {21, 22, 23}) {
    const auto score = testing::shaken(4, seed, 0.8);
    Random random(seed, "roots");
    auto roots = random_roots(4, 3, 7, random);
    roots.push_back(PatchSet::all(16) - PatchSet::all(8));
    const auto options = on_grid(4, 0.2);
    const auto exact = count(score, roots, options);
    ASSERT_GT(exact.total.all.distinct, 10);
    const EveryWay ways(score, roots, 4, 0.2);
    EXPECT_NEAR(ways.mean, exact.total.all.tree_nodes.to_double(),
                1e-9 * ways.mean);  // the method is unbiased

    const auto estimate = probe(score, roots, options, many);
    const double error = std::sqrt((ways.square - ways.mean * ways.mean) / many);
    ASSERT_GT(error, 0);
    EXPECT_NEAR(estimate.tree_nodes, ways.mean, 4 * error);
    EXPECT_NEAR(estimate.standard_error, error, 0.1 * error);
  }
}

TEST(TreeProbes, DependOnTheirStreamOnlyAndUseTheMemo) {
  const auto score = testing::shaken(4, 5, 0.8);
  const std::vector<PatchSet> roots = {PatchSet::all(9), PatchSet::all(12) - PatchSet::all(4)};
  const auto options = on_grid(4, 0.3);
  const auto a = probe(score, roots, options, 40);
  EXPECT_EQ(a.tree_nodes, probe(score, roots, options, 40).tree_nodes);
  EXPECT_NE(a.tree_nodes, probe(score, roots, options, 40, "b").tree_nodes);

  Scorer scorer;
  run_search(scorer, count_sub_explanations(scorer, roots, options), score);
  auto probing = options;
  probing.probes = 40;
  const auto after =
      run_search(scorer, estimate_tree_nodes(scorer, roots, probing, Random(3, "a", "probe")), score);
  EXPECT_EQ(after.tree_nodes, a.tree_nodes);
  EXPECT_EQ(after.evaluations, 0);  // every child of a set that counts is known
  EXPECT_EQ(after.saved, a.evaluations);
}

// ---- the shared photographs ------------------------------------------------------------------------------

TEST(SubExplanationsTruth, EqualTheWalkedTreesOfPhotographs) {
  const auto tables = testing::read_truth_tables();
  for (const auto& table : tables) {
    const testing::Enumeration truth(table, 4);
    for (const double threshold : {0.5, 0.8}) {
      // walked trees grow like factorials: the largest MSEs are left to the Python test of the tool
      std::vector<PatchSet> roots;
      for (const PatchSet& mse : truth.mses)
        if (mse.size() <= 7) roots.push_back(mse);
      const auto result = count(table, roots, on_grid(4, threshold));
      expect_equal(result.total, WalkedTrees(table, roots, 4, threshold));
      EXPECT_GT(result.total.all.distinct, static_cast<long>(roots.size())) << table.name;
    }
  }
}

}  // namespace
}  // namespace xai
