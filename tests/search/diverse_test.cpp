#include "xai/search/diverse.hpp"

#include <gtest/gtest.h>

#include "search/synthetic.hpp"

namespace xai {
namespace {

bool is_diverse(const std::vector<PatchSet>& sets, const std::vector<int>& members, int max_overlap) {
  for (const int a : members)
    for (const int b : members)
      if (a != b && sets[a].overlap(sets[b]) > max_overlap) return false;
  return true;
}

std::size_t largest_by_trying_all(const std::vector<PatchSet>& sets, int max_overlap) {
  std::size_t best = 0;
  for (std::uint32_t choice = 0; choice < 1U << sets.size(); ++choice) {
    std::vector<int> members;
    for (std::size_t i = 0; i < sets.size(); ++i)
      if (choice >> i & 1U) members.push_back(static_cast<int>(i));
    if (members.size() > best && is_diverse(sets, members, max_overlap)) best = members.size();
  }
  return best;
}

std::vector<PatchSet> random_sets(int count, int patches, double density, std::uint64_t seed) {
  std::vector<PatchSet> sets(count);
  for (int i = 0; i < count; ++i)
    for (int patch = 0; patch < patches; ++patch)
      if (testing::noise(seed + i, PatchSet{patch}) < density) sets[i].insert(patch);
  return sets;
}

TEST(DiverseFamily, EqualsTryingAllChoices) {
  for (std::uint64_t seed = 0; seed < 40; ++seed)
    for (const int max_overlap : {0, 1, 2}) {
      const auto sets = random_sets(11, 12, 0.15 + 0.01 * static_cast<double>(seed), 100 * seed);
      const auto family = largest_diverse_family(sets, max_overlap);
      EXPECT_TRUE(family.exact);
      EXPECT_TRUE(is_diverse(sets, family.members, max_overlap));
      EXPECT_TRUE(std::is_sorted(family.members.begin(), family.members.end()));
      EXPECT_EQ(family.members.size(), largest_by_trying_all(sets, max_overlap)) << "seed " << seed;
    }
}

TEST(DiverseFamily, OfNoSetsIsEmpty) {
  const auto family = largest_diverse_family({}, 1);
  EXPECT_TRUE(family.exact);
  EXPECT_TRUE(family.members.empty());
}

TEST(DiverseFamily, OfDisjointSetsIsAll) {
  std::vector<PatchSet> sets;
  for (int patch = 0; patch < 256; ++patch) sets.push_back(PatchSet{patch});
  const auto family = largest_diverse_family(sets, 0);
  EXPECT_TRUE(family.exact);
  EXPECT_EQ(family.members.size(), 256U);
}

TEST(DiverseFamily, SaysWhenItRanOutOfWork) {
  const auto sets = random_sets(600, 49, 0.12, 7);
  const auto family = largest_diverse_family(sets, 1, 200'000);
  EXPECT_FALSE(family.exact);
  EXPECT_TRUE(is_diverse(sets, family.members, 1));
  EXPECT_GE(family.members.size(), 10U);
  EXPECT_EQ(family.members, largest_diverse_family(sets, 1, 200'000).members);
}

}  // namespace
}  // namespace xai
