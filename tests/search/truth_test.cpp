// Searches on the enumerated photographs of the shared data.
#include <gtest/gtest.h>

#include <map>

#include "search/synthetic.hpp"
#include "search/truth_table.hpp"
#include "xai/search/diverse.hpp"

namespace xai {
namespace {

using testing::Enumeration;

class Truth : public ::testing::Test {
 protected:
  static const std::vector<testing::TruthTable>& tables() {
    static const auto all = testing::read_truth_tables();
    return all;
  }
};

TEST_F(Truth, ExhaustiveSearchEqualsTheDefinition) {
  const std::map<std::string, std::pair<std::size_t, std::size_t>> published{
      {"lite0_hog_g4", {2738, 2597}}, {"vit_hog_g4", {227, 168}}};  // SPEC 4: 1-minimal, MSEs
  for (const auto& table : tables()) {
    const Enumeration truth(table, 4);
    MseOptions options;
    options.grid = 4;
    options.search = SearchKind::exhaustive;
    const auto result = testing::find(table, options);
    EXPECT_EQ(testing::sets(result), truth.mses) << table.name;
    EXPECT_EQ(result.evaluations, 65536);
    for (const Mse& mse : result.mses) EXPECT_EQ(mse.checked_depth, mse.patches.size());
    if (const auto known = published.find(table.name); known != published.end()) {
      EXPECT_EQ(truth.one_minimal.size(), known->second.first);
      EXPECT_EQ(result.mses.size(), known->second.second);
    }
  }
}

TEST_F(Truth, CertificatesOfTheBeamAreTrue) {
  for (const auto& table : tables()) {
    const Enumeration truth(table, 4);
    for (const auto reduce : {Reduce::greedy, Reduce::all})
      for (const int width : {1, 3, 30})
        for (const long budget : {1000, 1500, 5000}) {
          MseOptions options;
          options.grid = 4;
          options.reduce = reduce;
          options.beam_width = width;
          options.max_evaluations = budget;
          const auto result = testing::find(table, options);
          EXPECT_LE(result.evaluations, budget);
          EXPECT_FALSE(result.mses.empty());
          for (const Mse& mse : result.mses) {
            const auto& expected =
                mse.certificate == Certificate::all_subsets ? truth.mses : truth.one_minimal;
            EXPECT_TRUE(std::binary_search(expected.begin(), expected.end(), mse.patches)) << table.name;
          }
        }
  }
}

TEST_F(Truth, DefaultSearchFindsTheSmallSetsAndADiverseFamily) {
  double diverse_shares = 0;  // of the largest families that all MSEs allow
  for (const auto& table : tables()) {
    const Enumeration truth(table, 4);
    MseOptions options;
    options.grid = 4;
    const auto result = testing::find(table, options);
    const auto found = testing::sets(result);
    std::map<int, int> of_size;
    std::map<int, int> found_of_size;
    for (const PatchSet& set : truth.mses) {
      ++of_size[set.size()];
      found_of_size[set.size()] += std::binary_search(found.begin(), found.end(), set);
    }
    const int smallest = of_size.begin()->first;
    EXPECT_EQ(result.mses.front().patches.size(), smallest) << table.name;
    EXPECT_GE(found_of_size[smallest], 0.9 * of_size[smallest]) << table.name;
    EXPECT_GE(found_of_size[smallest + 1], 0.85 * of_size[smallest + 1]) << table.name;
    EXPECT_LE(result.evaluations, 0.08 * 65535) << table.name;
    diverse_shares += static_cast<double>(result.diverse_members.size()) /
                      static_cast<double>(largest_diverse_family(truth.mses, 1).members.size());
  }
  EXPECT_GE(diverse_shares, 0.85 * static_cast<double>(tables().size()));
}

}  // namespace
}  // namespace xai
