#include "xai/record/shown_summary.hpp"

#include <gtest/gtest.h>

#include "fixtures/cross_summaries.hpp"
#include "xai/core/error.hpp"
#include "xai/record/cross_tables.hpp"

namespace xai {
namespace {

/// n and mean of a quantity of a cell.
std::pair<long, double> of(const Json& cell, const char* images, const char* quantity) {
  const Json& found = cell[images][quantity];
  return {found["n"], found["mean"].is_null() ? -1 : found["mean"].get<double>()};
}

using Of = std::pair<long, double>;

TEST(ShownSummary, MeansAreOverImagesOfWhatTheirSetsGive) {
  const Json summary = shown_images().to_json();
  EXPECT_EQ(summary["common_images"], 2);
  EXPECT_EQ(summary["threshold"], 0.5);
  const Json& a_to_b = summary["matrix"][1];
  EXPECT_EQ(a_to_b["source"], "a");
  EXPECT_EQ(a_to_b["model"], "b");
  EXPECT_EQ(of(a_to_b, "all", "sufficient"), Of(2, (1 + 0.5) / 2));  // .5 is, .25 is not
  EXPECT_EQ(of(a_to_b, "all", "ratio"), Of(2, (0.75 + 0.375) / 2));
  EXPECT_EQ(of(a_to_b, "all", "median_ratio"), Of(2, (0.75 + 0.375) / 2));
  EXPECT_EQ(of(a_to_b, "all", "smallest_sufficient"), Of(2, 1));
  EXPECT_EQ(of(a_to_b, "all", "smallest_ratio"), Of(2, 0.75));
  EXPECT_EQ(of(a_to_b, "all", "random_sufficient"), Of(2, 0.25));
  EXPECT_EQ(of(a_to_b, "all", "random_ratio"), Of(2, (0.375 + 0.1875) / 2));
  EXPECT_EQ(of(a_to_b, "all", "other_sufficient"), Of(2, 0.25));
  EXPECT_EQ(of(a_to_b, "all", "other_ratio"), Of(2, (0.25 + 0.125) / 2));
  EXPECT_EQ(of(summary["matrix"][0], "all", "sufficient"), Of(2, 1));
  EXPECT_EQ(summary["matrix"][2]["undefined"], 1);
  EXPECT_EQ(summary["undefined_reasons"]["gap"], 1);
}

TEST(ShownSummary, BothRightLeavesOutWhatOneOfTheTwoGetsWrong) {
  const Json summary = shown_images().to_json();
  EXPECT_EQ(of(summary["matrix"][1], "both_right", "ratio"), Of(2, (0.75 + 0.375) / 2));
  EXPECT_EQ(of(summary["matrix"][2], "both_right", "ratio"), Of(1, 0.75));  // a -> c
  EXPECT_EQ(of(summary["matrix"][8], "both_right", "ratio"), Of(1, 1));     // c -> c
  EXPECT_TRUE(shown_images(/*labelled=*/false).to_json()["matrix"][1]["both_right"].is_null());
}

TEST(ShownSummary, PairwiseTakesEachPairsOwnImages) {
  const Json summary = shown_images(true, ImagesRule::pairwise).to_json();
  EXPECT_EQ(of(summary["matrix"][1], "all", "smallest_ratio"), Of(3, (1 + 0.5 + 0.25) / 3));
  EXPECT_EQ(of(summary["matrix"][2], "all", "smallest_ratio"), Of(2, 0.75));
}

TEST(ShownSummary, FamiliesAreOverImagesOfMeansOverPairsOfDifferentModels) {
  const Json summary = shown_images().to_json();
  ASSERT_EQ(summary["families"].size(), 4U);
  EXPECT_EQ(summary["families"][0]["pairs"], 2);  // a and b
  EXPECT_EQ(of(summary["families"][0], "all", "sufficient"), Of(2, 0.75));
  EXPECT_EQ(of(summary["families"][1], "both_right", "ratio"), Of(1, 0.75));  // a and b to c
  EXPECT_TRUE(summary["families"][3]["self_test"]);
  EXPECT_EQ(of(summary["families"][3], "all", "sufficient"), Of(2, 1));
}

TEST(ShownSummary, TablesHaveALineForEachQuantity) {
  const Json summary = shown_images().to_json();
  const std::string csv = sets_matrix_csv(summary);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 9 * 2 * 10);
  EXPECT_NE(csv.find("\r\na,b,all,sufficient,2,0.75,0.75,"), std::string::npos) << csv.substr(0, 400);
  const std::string families = sets_family_matrix_csv(summary);
  EXPECT_NE(families.find("\r\nx,x,2,false,all,sufficient,2,0.75,"), std::string::npos)
      << families.substr(0, 400);
  const std::string text = matrix_table(summary);
  for (const char* words :
       {"rows: whose MSEs", "random sets of the same sizes", "2 of 3 images", "1 gap, 0 no-mses"})
    EXPECT_NE(text.find(words), std::string::npos) << words << text;
}

TEST(ShownSummary, NothingShownHasNoNumbers) {
  const Json summary = ShownSummary(three_models(), {}).to_json();
  EXPECT_EQ(of(summary["matrix"][1], "all", "ratio"), Of(0, -1));
  EXPECT_TRUE(summary["threshold"].is_null());
  EXPECT_THROW(ShownSummary({{"a", "x", ""}, {"a", "y", ""}}, {}), UsageError);
}

}  // namespace
}  // namespace xai
