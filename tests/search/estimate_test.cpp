#include "xai/search/estimate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "search/synthetic.hpp"
#include "search/truth_table.hpp"
#include "xai/core/error.hpp"

namespace xai {
namespace {

using testing::Enumeration;
using testing::Score;
using Bits = std::uint32_t;

/// Which sets of a few patches are sufficient, and what the definitions say of them.
struct Small {
  int patches;
  std::vector<char> sufficient;
  std::vector<char> reachable;
  double one_minimal = 0;  // reachable ones
  double mses = 0;
  double unreachable = 0;  // 1-minimal sets that are not

  Small(int n, const Score& score) : patches(n), sufficient(1U << n), reachable(1U << n, 0) {
    const Bits all = (1U << n) - 1;
    for (Bits s = 0; s <= all; ++s)
      sufficient[s] = score(PatchSet::from_bits(s)) / score(PatchSet::from_bits(all)) >= 0.9;
    reachable[all] = 1;
    for (Bits s = all; s > 0; --s) {  // parents come first
      bool minimal = sufficient[s];
      for (int i = 0; i < n; ++i) {
        const Bits child = s & ~(1U << i);
        if (child == s || !sufficient[child]) continue;
        minimal = false;
        if (reachable[s]) reachable[child] = 1;
      }
      if (!minimal) continue;
      (reachable[s] ? one_minimal : unreachable) += 1;
      bool mse = reachable[s] && !sufficient[0];
      for (Bits t = s; mse && t != 0;) {
        t = (t - 1) & s;
        if (sufficient[t]) mse = false;
      }
      mses += mse;
    }
  }
  bool children_insufficient(Bits s) const {
    for (int i = 0; i < patches; ++i)
      if ((s >> i & 1U) != 0 && sufficient[s ^ (1U << i)]) return false;
    return true;
  }
  /// Orders of adding the rest to s that pass through sufficient sets only.
  double orders(Bits s) const {
    double sum = s == (1U << patches) - 1 ? 1 : 0;
    for (int i = 0; i < patches; ++i)
      if (const Bits t = s | (1U << i); t != s && sufficient[t]) sum += orders(t);
    return sum;
  }
};

/// The expectation of a descent's value (docs/counting.md), over every outcome that its draws can have. With
/// `widen`, a step whose draws were all insufficient goes on among all children: what must not be done.
double expected(const Small& f, Bits here, bool saw, bool widen) {
  std::vector<Bits> children;
  for (int i = 0; i < f.patches; ++i)
    if ((here >> i & 1U) != 0) children.push_back(here ^ (1U << i));
  const int m = static_cast<int>(children.size());
  const int j = saw ? m : std::min(m, 3);
  double sum = 0;
  int samples = 0;
  for (Bits chosen = 0; chosen < (1U << m); ++chosen) {
    if (std::popcount(chosen) != j) continue;
    ++samples;
    std::vector<Bits> good;
    for (int i = 0; i < m; ++i)
      if ((chosen >> i & 1U) != 0 && f.sufficient[children[i]]) good.push_back(children[i]);
    bool next_saw = saw || static_cast<int>(good.size()) < j;
    double factor = 1.0 * m / j;  // of each of the x that one goes to with probability 1 / x
    if (good.empty()) {
      if (f.children_insufficient(here)) {
        sum += 1 / f.orders(here);
        continue;
      }
      if (!widen) continue;
      for (const Bits child : children)
        if (f.sufficient[child]) good.push_back(child);
      factor = 1;
    }
    for (const Bits child : good) sum += factor * expected(f, child, next_saw, widen);
  }
  return sum / samples;
}

/// Not monotone: each set is sufficient or not by a coin that is heavier for larger sets.
Score coin(int patches, std::uint64_t seed) {
  return [=](const PatchSet& set) {
    if (set.size() == patches) return 1.0;
    if (set.empty()) return 0.0;
    return testing::noise(seed, set) < 1.15 * set.size() / patches ? 1.0 : 0.1;
  };
}

TEST(Estimate, TheExpectationOfADescentIsTheNumberOfReachableSets) {
  double unreachable = 0;
  int biased = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const Small f(5, coin(5, seed));
    unreachable += f.unreachable;
    const Bits all = (1U << f.patches) - 1;
    EXPECT_NEAR(expected(f, all, false, false), f.one_minimal, 1e-9) << seed;
    biased += std::abs(expected(f, all, false, true) - f.one_minimal) > 0.01 * f.one_minimal;
  }
  EXPECT_GT(unreachable, 0);
  EXPECT_GE(biased, 3) << "widening a sample within its step must be seen by this test";
}

struct Case {
  std::string name;
  Score score;
  int patches;
};

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const std::uint64_t seed : {1, 5}) out.push_back({"coin", coin(8, seed), 8});
  out.push_back({"planted", testing::planted({{0, 1}, {1, 2, 3}, {4, 5, 6}, {0, 4, 7}, {2, 8}}), 9});
  out.push_back({"shaken", testing::shaken(3, 3, 0.5), 9});
  return out;
}

EstimateResult estimate(const Score& score, int patches, const EstimateOptions& options, std::uint64_t seed,
                        long searched = 0) {
  Scorer scorer;
  if (searched > 0) {
    MseOptions search;
    search.max_evaluations = searched;
    run_search(scorer, find_mses(scorer, search, patches), score);
  }
  return run_search(scorer, estimate_mses(scorer, options, Random(seed, "test"), patches), score);
}

/// Mean over repetitions, in standard errors from the truth.
struct Mean {
  double n = 0, sum = 0, squares = 0;
  void add(double x) { n += 1, sum += x, squares += x * x; }
  double mean() const { return sum / n; }
  double deviations_from(double truth) const {
    const double variance = std::max(squares / n - mean() * mean(), 1e-18) / n;
    return (mean() - truth) / std::sqrt(variance);
  }
};

class Unbiased : public ::testing::TestWithParam<std::tuple<int, long>> {};

TEST_P(Unbiased, MeansAreTheTruth) {
  const auto [listed, searched] = GetParam();
  for (const auto& [name, score, patches] : cases()) {
    const Small truth(patches, score);
    ASSERT_GT(truth.one_minimal, 1) << name;
    EstimateOptions options;
    options.listed = listed;
    options.units = listed == 0 ? 6 : 48;  // two waves: what one finds changes the next
    Mean one;
    Mean mses;
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
      const auto r = estimate(score, patches, options, seed, searched);
      EXPECT_LE(r.units, options.units);
      one.add(r.one_minimal.value);
      mses.add(r.mses.value);
    }
    EXPECT_LT(std::abs(one.deviations_from(truth.one_minimal)), 4)
        << name << " " << one.mean() << " for " << truth.one_minimal;
    EXPECT_LT(std::abs(mses.deviations_from(truth.mses)), 4)
        << name << " " << mses.mean() << " for " << truth.mses;
  }
}

INSTANTIATE_TEST_SUITE_P(Estimate, Unbiased,
                         ::testing::Values(std::tuple(0, 0L), std::tuple(0, 40L), std::tuple(16, 0L),
                                           std::tuple(16, 40L)));

TEST(Estimate, WhereEverythingIsKnownItIsExact) {
  const Score score = testing::planted({{0, 1}, {1, 2, 3}, {4, 5, 6}, {0, 4, 7}});
  Scorer scorer;
  MseOptions search;
  search.grid = 3;
  search.search = SearchKind::exhaustive;
  run_search(scorer, find_mses(scorer, search), score);
  EstimateOptions options;
  options.grid = 3;
  options.units = 10;
  const auto r = run_search(scorer, estimate_mses(scorer, options, Random(1, "test")), score);
  for (const auto& estimate : {r.one_minimal, r.mses}) {
    EXPECT_EQ(estimate.value, 4);
    EXPECT_EQ(estimate.se, 0);
    EXPECT_EQ(estimate.low, 4);
    EXPECT_EQ(estimate.high, 4);
  }
  EXPECT_EQ(r.by_size, (std::map<int, double>{{2, 1}, {3, 3}}));
  EXPECT_DOUBLE_EQ(*r.mean_size, 11.0 / 4);
  ASSERT_EQ(r.patch_share.size(), 9U);
  EXPECT_DOUBLE_EQ(r.patch_share[0], 0.5);
  EXPECT_DOUBLE_EQ(r.patch_share[8], 0);
  EXPECT_EQ(r.coverage, 1);
  EXPECT_TRUE(r.trusted);
  EXPECT_EQ(r.up_to, 10);
}

TEST(Estimate, SmallSetsAreCountedAllTheUnreachableOnesToo) {
  // {0, 1} is sufficient, no set between it and the whole is; {2, 3} and all that holds it are
  const Score score = [](const PatchSet& set) {
    return set.size() == 16 || set == PatchSet{0, 1} || PatchSet{2, 3}.is_subset_of(set) ? 1.0 : 0.1;
  };
  for (const int listed : {0, 16}) {
    EstimateOptions options;
    options.grid = 4;
    options.listed = listed;
    options.evaluations = 1500;
    const auto counted = estimate(score, 16, options, 1);
    EXPECT_EQ(counted.exact_up_to, 2);  // 137 sets are at most a tenth
    EXPECT_DOUBLE_EQ(counted.mses.value, 2);
    EXPECT_DOUBLE_EQ(counted.by_size.at(2), 2);
    options.evaluations = 1000;
    const auto sampled = estimate(score, 16, options, 1, 300);  // the search meets both
    EXPECT_EQ(sampled.exact_up_to, 1);
    ASSERT_EQ(sampled.patch_share.size(), 16U);
    EXPECT_EQ(sampled.patch_share[0], 0);  // cannot be reached
    EXPECT_EQ(sampled.patch_share[2], 1);
  }
}

TEST(Estimate, KeepsItsBudgets) {
  const Score score = testing::shaken(4, 3);
  for (const int listed : {0, 16}) {
    EstimateOptions options;
    options.grid = 4;
    options.listed = listed;
    options.evaluations = 800;
    const auto bounded = estimate(score, 16, options, 1);
    EXPECT_GE(bounded.evaluations, 600);  // the rest are units that asked for nothing new
    EXPECT_LE(bounded.evaluations, 1400);
    options.evaluations = 0;
    options.units = 37;
    EXPECT_EQ(estimate(score, 16, options, 1).units, 37);
    options.units = 1'000'000;
    options.evaluations = 300;
    EXPECT_LE(estimate(score, 16, options, 1).units, 300 + 32);
  }
}

TEST(Estimate, UnitsThatAskForNothingNewCountToo) {
  // one MSE, which the search finds: soon no unit asks for anything, and there must still be an end
  const Score score = testing::planted({{0, 5}});
  EstimateOptions options;
  options.grid = 4;
  options.listed = 0;
  options.evaluations = 2000;
  const auto r = estimate(score, 16, options, 1, 200);
  EXPECT_LE(r.units, 2000);
  EXPECT_DOUBLE_EQ(r.mses.value, 1);
}

TEST(Estimate, DependsOnTheSeedAndOnNothingElse) {
  const Score score = testing::shaken(4, 3);
  for (const int listed : {0, 16}) {
    EstimateOptions options;
    options.grid = 4;
    options.listed = listed;
    options.evaluations = 600;
    const auto first = estimate(score, 16, options, 1, 300);
    const auto again = estimate(score, 16, options, 1, 300);
    const auto other = estimate(score, 16, options, 2, 300);
    EXPECT_EQ(first.one_minimal.value, again.one_minimal.value);
    EXPECT_EQ(first.mses.high, again.mses.high);
    EXPECT_EQ(first.evaluations, again.evaluations);
    EXPECT_NE(first.one_minimal.value, other.one_minimal.value);

    Memo memo;  // that knows every answer
    for (Bits bits = 0; bits < 65536; ++bits)
      memo.remember(PatchSet::from_bits(bits), score(PatchSet::from_bits(bits)));
    Scorer scorer(memo);
    MseOptions search;
    search.max_evaluations = 300;
    run_search(scorer, find_mses(scorer, search, 16), score);
    const auto known = run_search(scorer, estimate_mses(scorer, options, Random(1, "test"), 16), score);
    EXPECT_EQ(known.one_minimal.value, first.one_minimal.value);
    EXPECT_EQ(known.evaluations, first.evaluations);
  }
}

TEST(Estimate, UnitsThatTheCapEndsAreCountedAndLowerTheMean) {
  const Score score = coin(8, 1);
  const Small truth(8, score);
  EstimateOptions options;
  options.listed = 0;
  options.units = 6;
  options.max_orders = 1;
  Mean one;
  long capped = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const auto r = estimate(score, 8, options, seed);
    one.add(r.one_minimal.value);
    capped += r.capped;
    if (r.capped > 0) {
      EXPECT_FALSE(r.trusted);
    }
  }
  EXPECT_GT(capped, 0);
  EXPECT_LT(one.deviations_from(truth.one_minimal), -4);
}

TEST(Estimate, CountsBeyondWhatCanBeListed) {
  // two of six patches of 49 are needed: 15 MSEs, and 47! orders back from each
  const Score score = [](const PatchSet& set) {
    return std::min(1.0, 0.1 + 0.45 * set.overlap(PatchSet::all(6)));
  };
  EstimateOptions options;
  options.units = 60;
  Mean one;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const auto r = estimate(score, 49, options, seed);
    EXPECT_TRUE(std::isfinite(r.one_minimal.high));
    EXPECT_GT(r.one_minimal.low, 0);
    EXPECT_EQ(r.non_monotone_share, 0);
    EXPECT_NEAR(*r.mean_size, 2, 1e-9);
    one.add(r.one_minimal.value);
  }
  EXPECT_NEAR(one.mean(), 15, 0.25 * 15);
  EXPECT_LT(std::abs(one.deviations_from(15)), 4);
}

TEST(Estimate, NothingIsCountedWhereTheBaselineIsSufficient) {
  EstimateOptions options;
  options.units = 5;
  const auto r = estimate([](const PatchSet&) { return 0.5; }, 9, options, 1);
  EXPECT_EQ(r.one_minimal.value, 0);
  EXPECT_EQ(r.units, 0);
}

TEST(Estimate, RefusesOptionsOutOfRange) {
  Scorer scorer;
  EXPECT_THROW(estimate_mses(scorer, {}, Random(1, "test")), UsageError);
  EstimateOptions options;
  options.units = -1;
  EXPECT_THROW(options.validate(), UsageError);
  options = {};
  options.max_orders = 0;
  EXPECT_THROW(options.validate(), UsageError);
}

TEST(Estimate, CoversTheTruthOfEnumeratedPhotographs) {
  int trusted = 0;
  int covered = 0;
  for (const auto& table : testing::read_truth_tables()) {
    const auto truth = static_cast<double>(Enumeration(table, 4).one_minimal.size());
    Mean one;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      EstimateOptions options;
      options.evaluations = 3000;
      const auto r = estimate(table, 16, options, seed, 1500);
      one.add(r.one_minimal.value);
      if (!r.trusted) continue;
      ++trusted;
      covered += r.one_minimal.low <= truth && truth <= r.one_minimal.high;
    }
    EXPECT_LT(std::abs(one.deviations_from(truth)), 4) << table.name << " " << one.mean() << " for " << truth;
  }
  EXPECT_GT(trusted, 0);
  EXPECT_GE(covered, 0.85 * trusted);
}

}  // namespace
}  // namespace xai
