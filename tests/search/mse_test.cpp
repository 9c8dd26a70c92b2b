#include "xai/search/mse.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "search/synthetic.hpp"
#include "xai/core/error.hpp"
#include "xai/search/estimate.hpp"

namespace xai {
namespace {

using testing::Enumeration;
using testing::find;
using testing::find_in_chunks;
using testing::planted;
using testing::sets;
using testing::shaken;

MseOptions options(int grid, long max_evaluations = 100'000) {
  MseOptions o;
  o.grid = grid;
  o.max_evaluations = max_evaluations;
  return o;
}

MseOptions exhaustive(int grid) {
  MseOptions o = options(grid);
  o.search = SearchKind::exhaustive;
  return o;
}

std::vector<PatchSet> sorted(std::vector<PatchSet> s) {
  std::sort(s.begin(), s.end());
  return s;
}

/// What holds for every result, whatever the options: SPEC 4 without the search.
void expect_sound(const MseResult& result, const testing::Score& score, const MseOptions& o) {
  const double full = score(PatchSet::all(o.grid * o.grid));
  const auto sufficient = [&](const PatchSet& set) { return score(set) / full >= o.threshold; };
  for (std::size_t i = 0; i < result.mses.size(); ++i) {
    const Mse& mse = result.mses[i];
    EXPECT_TRUE(sufficient(mse.patches));
    EXPECT_EQ(mse.p, score(mse.patches));
    EXPECT_EQ(mse.ratio, mse.p / full);
    for (const int patch : mse.patches.patches()) EXPECT_FALSE(sufficient(mse.patches.without(patch)));
    EXPECT_GE(mse.checked_depth, 1);
    EXPECT_EQ(mse.checked_depth == mse.patches.size(), mse.certificate == Certificate::all_subsets);
    const auto patches = mse.patches.patches();
    for (std::uint32_t mask = 0; patches.size() <= 16 && mask + 1 < 1U << patches.size(); ++mask) {
      PatchSet subset;
      for (std::size_t bit = 0; bit < patches.size(); ++bit)
        if (mask >> bit & 1U) subset.insert(patches[bit]);
      if (mse.patches.size() - subset.size() > mse.checked_depth) continue;
      EXPECT_FALSE(sufficient(subset)) << "a certificate is wrong";
    }
    for (std::size_t j = 0; j < i; ++j) {
      const PatchSet& other = result.mses[j].patches;
      EXPECT_FALSE(other.is_subset_of(mse.patches) || mse.patches.is_subset_of(other));
      EXPECT_TRUE(other.size() < mse.patches.size() ||
                  (other.size() == mse.patches.size() && other.patches() < patches));
    }
  }
  for (const int a : result.diverse_members)
    for (const int b : result.diverse_members)
      EXPECT_TRUE(a == b || result.mses[a].patches.overlap(result.mses[b].patches) <= o.max_overlap);
  EXPECT_EQ(result.diverse_members.empty(), result.mses.empty());
  EXPECT_TRUE(o.search == SearchKind::exhaustive || result.evaluations <= o.max_evaluations);
}

void expect_same(const MseResult& a, const MseResult& b) {
  EXPECT_EQ(a.status, b.status);
  ASSERT_EQ(a.mses.size(), b.mses.size());
  for (std::size_t i = 0; i < a.mses.size(); ++i) {
    EXPECT_EQ(a.mses[i].patches, b.mses[i].patches);
    EXPECT_EQ(a.mses[i].p, b.mses[i].p);
    EXPECT_EQ(a.mses[i].certificate, b.mses[i].certificate);
    EXPECT_EQ(a.mses[i].checked_depth, b.mses[i].checked_depth);
  }
  EXPECT_EQ(a.diverse_members, b.diverse_members);
  EXPECT_EQ(a.stop_reason, b.stop_reason);
  EXPECT_EQ(a.evaluations, b.evaluations);
  EXPECT_EQ(a.near_ties, b.near_ties);
}

TEST(Exhaustive, EqualsTheDefinition) {
  for (const int grid : {2, 3})
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      const auto score = shaken(grid, seed);
      const auto o = exhaustive(grid);
      const auto result = find(score, o);
      EXPECT_EQ(sets(result), Enumeration(score, grid).mses);
      EXPECT_EQ(result.evaluations, 1 << (grid * grid));
      EXPECT_EQ(result.stop_reason, StopReason::exhausted);
      for (const Mse& mse : result.mses) EXPECT_EQ(mse.certificate, Certificate::all_subsets);
      expect_sound(result, score, o);
    }
}

TEST(Exhaustive, FindsPlantedSetsOfSixteenPatches) {
  const std::vector<PatchSet> minimal{{0, 5, 10, 15}, {1, 2}, {0, 2, 3, 4, 6, 7}};
  EXPECT_EQ(sets(find(planted(minimal), exhaustive(4))), sorted(minimal));
}

TEST(Beam, WideEnoughFindsWhatBruteForceFinds) {
  for (const int grid : {2, 3})
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      const auto score = shaken(grid, seed);
      auto o = options(grid);
      o.beam_width = 512;
      o.extensions = 0;
      o.sweeps = 1;
      o.reduce = Reduce::all;
      const auto result = find(score, o);
      EXPECT_EQ(result.stop_reason, StopReason::exhausted);
      const Enumeration truth(score, grid);
      for (const PatchSet& set : sets(result))
        EXPECT_TRUE(std::binary_search(truth.mses.begin(), truth.mses.end(), set));
      expect_sound(result, score, o);
      // the beam reaches each set all of whose subsets are insufficient
      EXPECT_EQ(sets(result), truth.mses);
    }
}

TEST(Beam, IsSoundForAllOptions) {
  for (std::uint64_t seed = 0; seed < 25; ++seed)
    for (const int width : {1, 3, 20})
      for (const int extensions : {0, 4})
        for (const auto reduce : {Reduce::greedy, Reduce::all})
          for (const long budget : {3L, 4L, 17L, 60L, 200L, 5000L}) {
            auto o = options(3, budget);
            o.beam_width = width;
            o.extensions = extensions;
            o.reduce = reduce;
            const auto score = shaken(3, 1000 + seed, 0.7);
            expect_sound(find(score, o), score, o);
          }
}

TEST(Beam, FindsPlantedSetsOfAMonotoneScorer) {
  const std::vector<PatchSet> minimal{{24}, {0, 1, 2}, {3, 10, 17}, {40, 41, 47, 48}};
  for (const auto reduce : {Reduce::greedy, Reduce::all}) {
    auto o = options(7, 5000);
    o.beam_width = 10;
    o.reduce = reduce;
    const auto result = find(planted(minimal), o);
    EXPECT_EQ(sets(result), sorted(minimal));
    EXPECT_EQ(result.mses.front().patches, PatchSet{24});
    EXPECT_EQ(result.diverse_members.size(), 4U);
    EXPECT_TRUE(result.diverse_exact);
    for (const Mse& mse : result.mses) EXPECT_EQ(mse.certificate, Certificate::all_subsets);
  }
}

TEST(Beam, ReducesToAOneMinimalSet) {
  // patches 0..5 each add the same; five of them suffice, so all six sets of five are MSEs
  const testing::Score score = [](const PatchSet& set) {
    return std::min(5, set.overlap(PatchSet{0, 1, 2, 3, 4, 5})) / 5.0;
  };
  auto o = options(4);
  o.beam_width = 1;
  o.sweeps = 1;
  const auto result = find(score, o);
  ASSERT_FALSE(result.mses.empty());
  for (const Mse& mse : result.mses) EXPECT_EQ(mse.patches.size(), 5);
  EXPECT_GT(result.near_ties, 0);  // every choice was between equals
  expect_sound(result, score, o);
}

TEST(Beam, OnlyTheIntactImageSuffices) {
  for (const int grid : {2, 4}) {
    const testing::Score score = [=](const PatchSet& set) {
      return set == PatchSet::all(grid * grid) ? 1.0 : 0.1 + 0.01 * testing::noise(3, set);
    };
    auto o = options(grid);
    o.sweeps = 1;
    const auto result = find(score, o);
    ASSERT_EQ(result.mses.size(), 1U);
    EXPECT_EQ(result.mses[0].patches, PatchSet::all(grid * grid));
    EXPECT_EQ(result.mses[0].certificate, grid == 2 ? Certificate::all_subsets : Certificate::single_removal);
    EXPECT_EQ(result.stop_reason, StopReason::exhausted);
    EXPECT_EQ(sets(find(score, exhaustive(grid))), sets(result));
  }
}

TEST(Beam, ConstantScorerIsBaselineSufficient) {
  const auto result = find([](const PatchSet&) { return 0.4; }, options(7));
  EXPECT_EQ(result.status, MseStatus::baseline_sufficient);
  EXPECT_TRUE(result.mses.empty());
  EXPECT_EQ(result.evaluations, 2);
  EXPECT_EQ(result.p_full, 0.4);
  EXPECT_EQ(result.p_baseline, 0.4);
}

TEST(Beam, ZeroProbability) {
  const auto result = find([](const PatchSet& set) { return set.empty() ? 0.5 : 0.0; }, options(7));
  EXPECT_EQ(result.status, MseStatus::zero_probability);
  EXPECT_TRUE(result.mses.empty());
  EXPECT_EQ(result.evaluations, 2);
}

/// The class has p(S), its rival a number of its own: the class is on top of some sets that lack the ratio,
/// and below in some that keep it.
Score contested(const PatchSet& set) {
  const double p = shaken(3, 11)(set);
  return {p, set.size() == 9 ? 0.1 : 0.8 + 0.5 * (testing::noise(5, set) - 0.5)};
}

/// 1 where a set of contested() is sufficient, else 0: by the ratio of that, the same sets are.
double is_sufficient(Sufficient sense, const PatchSet& set) {
  const Score score = contested(set);
  const bool keeps_ratio = score.p / contested(PatchSet::all(9)).p >= 0.9;
  const bool keeps_top1 = score.p >= score.rival;
  if (sense == Sufficient::both) return keeps_ratio && keeps_top1;
  return sense == Sufficient::ratio ? keeps_ratio : keeps_top1;
}

TEST(Sufficient, ByTheClassOnTopOrBothIsByDefinition) {
  std::set<std::vector<PatchSet>> answers;
  for (const Sufficient sense : {Sufficient::ratio, Sufficient::top1, Sufficient::both}) {
    const Enumeration truth([&](const PatchSet& set) { return is_sufficient(sense, set); }, 3);
    for (MseOptions o : {exhaustive(3), options(3)}) {
      o.sufficient = sense;
      o.beam_width = 500;
      o.extensions = 0;
      Scorer scorer;
      const MseResult result = run_search(scorer, find_mses(scorer, o), contested);
      EXPECT_EQ(result.status, MseStatus::ok);
      EXPECT_EQ(sets(result), sorted(truth.mses)) << name(sense);
      for (const Mse& mse : result.mses) {
        const Score score = contested(mse.patches);
        EXPECT_EQ(mse.keeps_top1, score.p >= score.rival);
        EXPECT_EQ(mse.p, score.p);
      }
      answers.insert(sets(result));
    }
  }
  EXPECT_EQ(answers.size(), 3);  // no two senses have the same sets here
}

TEST(Sufficient, AnEstimateCountsInTheSameSense) {
  const auto counted = [](Sufficient sense, const std::function<Score(const PatchSet&)>& score) {
    MseOptions o = exhaustive(3);
    o.sufficient = sense;
    EstimateOptions e;
    e.grid = 3;
    e.sufficient = sense;
    e.units = 100'000;  // until all is known
    Scorer scorer;
    run_search(scorer, find_mses(scorer, o), score);
    const auto estimate = run_search(scorer, estimate_mses(scorer, e, Random(1, "a", "b")), score);
    EXPECT_EQ(estimate.coverage, 1);
    return std::pair(estimate.one_minimal.value, estimate.mses.value);
  };
  for (const Sufficient sense : {Sufficient::top1, Sufficient::both})
    EXPECT_EQ(counted(sense, contested),
              counted(Sufficient::ratio, [&](const PatchSet& set) { return is_sufficient(sense, set); }))
        << name(sense);
  EXPECT_NE(counted(Sufficient::top1, contested), counted(Sufficient::ratio, contested));
}

TEST(Sufficient, AnImageOfAnotherClassHasNothingToKeepOnTop) {
  const std::function<Score(const PatchSet&)> beaten = [](const PatchSet& set) {
    return Score(0.3 + 0.01 * set.size(), 0.6);
  };
  for (const Sufficient sense : {Sufficient::top1, Sufficient::both}) {
    MseOptions o = options(3);
    o.sufficient = sense;
    Scorer scorer;
    const MseResult result = run_search(scorer, find_mses(scorer, o), beaten);
    EXPECT_EQ(result.status, MseStatus::wrong);
    EXPECT_TRUE(result.mses.empty());
    EXPECT_EQ(result.evaluations, 2);
  }
  Scorer scorer;  // by the ratio it has
  EXPECT_EQ(run_search(scorer, find_mses(scorer, options(3)), beaten).mses.at(0).keeps_top1, false);
}

TEST(Sufficient, GapsBetweenLogitsThatNoiseCouldTurnAreNearTies) {
  const auto near_ties = [](Sufficient sense, double gap) {
    MseOptions o = exhaustive(2);
    o.sufficient = sense;
    Scorer scorer;
    // {0} alone keeps the ratio, and is as near to its rival as the gap says; all others are clear
    return run_search(scorer, find_mses(scorer, o),
                      [&](const PatchSet& set) -> Score {
                        if (set == PatchSet{0}) return {0.8, 0.8 * std::exp(-gap)};
                        return {set.contains(0) ? 0.8 : 0.1, 0.2};
                      })
        .near_ties;
  };
  for (const Sufficient sense : {Sufficient::ratio, Sufficient::top1, Sufficient::both}) {
    EXPECT_EQ(near_ties(sense, 5e-5), 1) << name(sense);
    EXPECT_EQ(near_ties(sense, 2e-4), 0) << name(sense);
  }
}

TEST(Sufficient, AScorerWithoutRivalsSaysNothingOfTheClassOnTop) {
  MseOptions o = options(3);
  EXPECT_EQ(find(shaken(3, 11), o).mses.at(0).keeps_top1, std::nullopt);
  o.sufficient = Sufficient::both;
  EXPECT_THROW(find(shaken(3, 11), o), UsageError);
}

TEST(Beam, SufficientProperSubsetReplacesAOneMinimalSet) {
  // {0,1,2} is 1-minimal, yet {0} alone suffices: every pair with 0 destroys it
  const testing::Score score = [](const PatchSet& set) {
    if (set.size() == 4 || set == PatchSet{0} || set == PatchSet{0, 1, 2}) return 1.0;
    return 0.2;
  };
  EXPECT_EQ(sets(find(score, exhaustive(2))), (std::vector<PatchSet>{{0}}));
  EXPECT_EQ(sets(find(score, options(2))), (std::vector<PatchSet>{{0}}));

  // the same where the beam cannot meet the small set: only certifying the large one shows it
  const PatchSet large{0, 1, 2, 3, 4};
  const testing::Score hidden = [=](const PatchSet& set) {
    if (set.size() == 16 || set == large || set == PatchSet{3, 4}) return 1.0;
    if (set.contains(3) && set.contains(4)) return 0.01;
    return set.is_subset_of(large) ? 0.1 + 0.1 * set.size() + (set.contains(0) ? 0.05 : 0.0) : 0.05;
  };
  auto o = options(4);
  o.beam_width = 1;
  o.sweeps = 1;
  const auto result = find(hidden, o);
  EXPECT_EQ(sets(result), (std::vector<PatchSet>{{3, 4}}));
  EXPECT_EQ(result.mses[0].certificate, Certificate::all_subsets);
}

TEST(Beam, CertifiesWithinHalfTheBudget) {
  // one MSE of 10 patches: 1,023 proper subsets
  const testing::Score score = planted({PatchSet{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}});
  auto o = options(4, 4000);
  o.beam_width = 1;
  o.sweeps = 1;
  auto result = find(score, o);
  ASSERT_EQ(result.mses.size(), 1U);
  EXPECT_EQ(result.mses[0].certificate, Certificate::all_subsets);
  EXPECT_EQ(result.mses[0].checked_depth, 10);

  o.max_evaluations = 1200;
  result = find(score, o);
  ASSERT_EQ(result.mses.size(), 1U);
  EXPECT_EQ(result.mses[0].certificate, Certificate::single_removal);
  EXPECT_EQ(result.mses[0].checked_depth, 1);

  // eleven patches are beyond what is certified
  o.max_evaluations = 50'000;
  result = find(planted({PatchSet{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}), o);
  ASSERT_EQ(result.mses.size(), 1U);
  EXPECT_EQ(result.mses[0].certificate, Certificate::single_removal);
}

TEST(Search, TakesAnyNumberOfPatches) {
  const std::vector<PatchSet> minimal{{0, 4}, {1, 2, 10}};
  const testing::Score score = [&](const PatchSet& set) {
    EXPECT_TRUE(set.is_subset_of(PatchSet::all(11)));
    return planted(minimal)(set);
  };
  auto o = options(7, 5000);
  Scorer beam;
  EXPECT_EQ(sets(run_search(beam, find_mses(beam, o, 11), score)), sorted(minimal));
  o.search = SearchKind::exhaustive;
  Scorer exhaustive;
  EXPECT_EQ(sets(run_search(exhaustive, find_mses(exhaustive, o, 11), score)), sorted(minimal));
  EXPECT_EQ(exhaustive.evaluations(), 1 << 11);

  for (const int patches : {-1, 17, 257}) EXPECT_THROW(find_mses(exhaustive, o, patches), UsageError);
  EXPECT_THROW(find_mses(exhaustive, o), UsageError);  // exhaustive, of 7 x 7
  o.threshold = 0;
  EXPECT_THROW(find_mses(exhaustive, o, 11), UsageError);
}

TEST(Beam, StopReasons) {
  const auto score = planted({PatchSet{0, 8, 16, 24}});
  auto o = options(7, 5000);
  EXPECT_EQ(find(score, o).stop_reason, StopReason::max_evaluations);  // sweeps go on
  o = options(7);
  o.sweeps = 1;
  o.reduce = Reduce::greedy;
  EXPECT_EQ(find(score, o).stop_reason, StopReason::exhausted);
  o.max_size = 3;
  EXPECT_EQ(find(score, o).stop_reason, StopReason::max_size);
  EXPECT_TRUE(find(score, o).mses.empty());
  o.max_size = 4;
  EXPECT_EQ(find(score, o).mses.size(), 1U);
  o = options(7, 60);
  EXPECT_EQ(find(score, o).stop_reason, StopReason::max_evaluations);
  EXPECT_EQ(find(score, o).evaluations, 60);
  EXPECT_TRUE(find(score, o).mses.empty());
  // whatever the options, sweeps end when every insufficient set has been extended
  const auto everything = find(planted({PatchSet{0, 1}}), options(3));
  EXPECT_EQ(everything.stop_reason, StopReason::exhausted);
  EXPECT_EQ(sets(everything), (std::vector<PatchSet>{{0, 1}}));
}

TEST(Beam, CountsNearTies) {
  const auto at_ratio = [](double ratio) {
    return [=](const PatchSet& set) {
      if (set.size() == 4) return 0.5;
      return set == PatchSet{0, 1} ? 0.5 * ratio : 0.01 * static_cast<double>(1 + set.low_bits());
    };
  };
  EXPECT_EQ(find(at_ratio(0.95), options(2)).near_ties, 0);
  EXPECT_EQ(find(at_ratio(0.90005), options(2)).near_ties, 1);
  EXPECT_EQ(find(at_ratio(0.89995), options(2)).near_ties, 1);
  EXPECT_EQ(find(at_ratio(0.90005), exhaustive(2)).near_ties, 1);
  EXPECT_EQ(find(at_ratio(0.89995), options(2)).mses.size(), 1U);  // the intact image
}

TEST(Beam, SameForAnyChunk) {
  for (std::uint64_t seed = 0; seed < 4; ++seed)
    for (const int grid : {3, 7})
      for (const auto reduce : {Reduce::greedy, Reduce::all}) {
        auto o = options(grid, 700);
        o.reduce = reduce;
        const auto score = shaken(grid, seed);
        const auto result = find(score, o);
        for (const std::size_t chunk : {1, 7, 32}) expect_same(find_in_chunks(score, o, chunk), result);
      }
}

TEST(Beam, SweepsFindWhatOneSweepMisses) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto score = shaken(3, 50 + seed);
    auto o = options(3);
    o.extensions = 0;
    o.beam_width = 1;
    const auto all = find(score, o);
    EXPECT_EQ(sets(all), Enumeration(score, 3).mses);
    EXPECT_EQ(all.stop_reason, StopReason::exhausted);
    o.sweeps = 1;
    const auto one = find(score, o);
    EXPECT_LT(one.evaluations, all.evaluations);
    EXPECT_LE(one.mses.size(), all.mses.size());
  }
}

TEST(Beam, FindsADisjointSetBesideALoudOne) {
  // the neighbourhood of {0,1,2} is full of sufficient sets: by p alone, they and what holds
  // two of their patches come before {46,47}
  const testing::Score score = [](const PatchSet& set) {
    const int loud = set.overlap(PatchSet{0, 1, 2, 3, 4, 5, 6, 7});
    const int quiet = set.overlap(PatchSet{46, 47, 48});
    return quiet == 3 ? 1.0 : std::max({0.01, std::min(1.0, 0.33 * loud), 0.15 * quiet});
  };
  const auto result = find(score, options(7, 1500));
  const auto found = sets(result);
  EXPECT_TRUE(std::binary_search(found.begin(), found.end(), PatchSet{46, 47, 48}));
}

TEST(Beam, ReachesLargeSetsWithinTheDefaultBudget) {
  // sums of unequal weights: any 30 or so of the 49 patches suffice, no small set does
  const testing::Score score = [](const PatchSet& set) {
    double shown = 0;
    double sum = 0;
    for (int patch = 0; patch < 49; ++patch) {
      const double weight = 1 + testing::noise(5, PatchSet{patch});
      sum += weight;
      if (set.contains(patch)) shown += weight;
    }
    return std::min(1.0, 0.01 + 1.25 * shown / sum);
  };
  const MseOptions o;
  const auto result = find(score, o);
  expect_sound(result, score, o);
  ASSERT_FALSE(result.mses.empty());
  EXPECT_GE(result.mses.front().patches.size(), 25);
}

TEST(Beam, LargestGrid) {
  const std::vector<PatchSet> minimal{{255, 0}, {100, 200, 250}};
  const auto result = find(planted(minimal), options(16, 8000));
  EXPECT_EQ(sets(result), sorted(minimal));
}

TEST(MseOptions, NamesOptionValueAndBound) {
  const auto message = [](auto change) {
    MseOptions o;
    change(o);
    try {
      o.validate();
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("valid");
  };
  EXPECT_EQ(message([](MseOptions&) {}), "valid");
  EXPECT_EQ(message([](auto& o) { o.grid = 1; }), "'grid' must be from 2 to 16, not 1");
  EXPECT_EQ(message([](auto& o) { o.grid = 17; }), "'grid' must be from 2 to 16, not 17");
  EXPECT_EQ(message([](auto& o) { o.search = SearchKind::exhaustive; }),
            "'grid' must be at most 4 for an exhaustive 'search', not 7");
  EXPECT_EQ(message([](auto& o) { o.threshold = 0; }), "'threshold' must be above 0 and at most 1, not 0");
  EXPECT_EQ(message([](auto& o) { o.threshold = 0.0 / 0.0; }).substr(0, 12), "'threshold' ");
  EXPECT_EQ(message([](auto& o) { o.threshold = 1; }), "valid");
  EXPECT_EQ(message([](auto& o) { o.beam_width = 0; }), "'beam_width' must be at least 1, not 0");
  EXPECT_EQ(message([](auto& o) { o.extensions = -1; }), "'extensions' must be at least 0, not -1");
  EXPECT_EQ(message([](auto& o) { o.sweeps = -1; }), "'sweeps' must be at least 0, not -1");
  EXPECT_EQ(message([](auto& o) { o.max_size = -1; }), "'max_size' must be at least 0, not -1");
  EXPECT_EQ(message([](auto& o) { o.max_evaluations = 2; }), "'max_evaluations' must be at least 3, not 2");
  EXPECT_EQ(message([](auto& o) { o.max_overlap = -1; }), "'max_overlap' must be at least 0, not -1");
  Scorer scorer;
  MseOptions bad;
  bad.grid = 0;
  EXPECT_THROW((void)find_mses(scorer, bad), UsageError);
}

void expect_equal(const MseResult& a, const MseResult& b) {
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.evaluations, b.evaluations);
  EXPECT_EQ(a.near_ties, b.near_ties);
  EXPECT_EQ(a.stop_reason, b.stop_reason);
  EXPECT_EQ(a.diverse_members, b.diverse_members);
  ASSERT_EQ(a.mses.size(), b.mses.size());
  for (std::size_t i = 0; i < a.mses.size(); ++i) {
    EXPECT_EQ(a.mses[i].patches, b.mses[i].patches);
    EXPECT_EQ(a.mses[i].p, b.mses[i].p);
    EXPECT_EQ(a.mses[i].certificate, b.mses[i].certificate);
    EXPECT_EQ(a.mses[i].checked_depth, b.mses[i].checked_depth);
  }
}

/// Another caller's search, of another kind and larger than the budget, changes nothing but the model's work.
TEST(FindMses, WhatAnotherCallerKnowsChangesNoResult) {
  for (const long budget : {3L, 40L, 300L, 20'000L})
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      MseOptions options;
      options.grid = 4;
      options.max_evaluations = budget;
      const auto score = testing::shaken(4, seed);
      const MseResult alone = testing::find(score, options);

      Memo memo;
      MseOptions others = options;
      others.max_evaluations = 500;
      others.reduce = Reduce::greedy;
      others.threshold = 0.8;
      Scorer other(memo), scorer(memo);
      run_search(other, find_mses(other, others), score);
      long rows = 0;
      const MseResult shared = run_search(scorer, find_mses(scorer, options), [&](const PatchSet& set) {
        ++rows;
        return score(set);
      });
      expect_equal(shared, alone);
      EXPECT_EQ(rows, scorer.new_to_memo());
      EXPECT_LT(rows, alone.evaluations);
      EXPECT_EQ(scorer.evaluations(), alone.evaluations);
    }
}

TEST(MseNames, AreThoseOfTheRecords) {
  EXPECT_EQ(name(SearchKind::beam), "beam");
  EXPECT_EQ(name(SearchKind::exhaustive), "exhaustive");
  EXPECT_EQ(name(Reduce::greedy), "greedy");
  EXPECT_EQ(name(Reduce::all), "all");
  EXPECT_EQ(name(StopReason::exhausted), "exhausted");
  EXPECT_EQ(name(StopReason::max_size), "max-size");
  EXPECT_EQ(name(StopReason::max_evaluations), "max-evaluations");
  EXPECT_EQ(name(Certificate::single_removal), "single-removal");
  EXPECT_EQ(name(Certificate::all_subsets), "all-subsets");
}

}  // namespace
}  // namespace xai
