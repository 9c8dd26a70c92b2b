#include "xai/record/cross_summary.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "fixtures/cross_summaries.hpp"
#include "xai/core/error.hpp"
#include "xai/metrics/landscape.hpp"
#include "xai/record/cross_tables.hpp"
#include "xai/record/summary.hpp"

namespace xai {
namespace {

/// The first of `objects` whose fields are as in `wanted`.
Json find(const Json& objects, const Json& wanted) {
  for (const Json& object : objects)
    if (std::all_of(wanted.items().begin(), wanted.items().end(),
                    [&](const auto& item) { return object[item.key()] == item.value(); }))
      return object;
  ADD_FAILURE() << "nothing like " << to_text(wanted);
  return nullptr;
}

Json cell(const Json& summary, const std::string& source, const std::string& target) {
  return find(summary["matrix"], {{"source", source}, {"model", target}});
}

std::vector<Json> means(const Json& objects) {
  std::vector<Json> result;
  for (const Json& object : objects) result.push_back(object["mean"]);
  return result;
}

TEST(CrossSummary, MeansAreOverTheImagesOfWhichEveryPairIsOk) {
  const Json s = four_images().to_json();
  EXPECT_EQ(s["images"], 4);
  EXPECT_EQ(s["predicted_images"], 5);
  EXPECT_EQ(s["common_images"], 2);
  EXPECT_EQ(s["images_rule"], "common");
  EXPECT_EQ(s["pairs"], (Json{{"error", 9}, {"ok", 26}, {"undefined", 1}}));
  EXPECT_EQ(means(s["matrix"]), (std::vector<Json>{0.75, 0.375, 0.5, 0.5, 0.75, 0.25, 0.5, 0.5, 0.75}));
  for (const Json& pair : s["matrix"]) EXPECT_EQ(pair["n"], 2);
  EXPECT_EQ(cell(s, "a", "c")["undefined"], 1);
  EXPECT_EQ(cell(s, "c", "a")["undefined"], 0);
  EXPECT_DOUBLE_EQ(cell(s, "a", "c")["standard_deviation"], 0.5 / std::sqrt(2.0));
  EXPECT_EQ(cell(s, "a", "c")["low"], 0.25);  // of two values, a quarter of the resamples has one value only
  EXPECT_EQ(cell(s, "a", "c")["high"], 0.75);
  EXPECT_EQ(s["quantities"]["auc c -> b"]["mean"], 0.5);
  EXPECT_EQ(s["quantities"].size(), 9U);
}

TEST(CrossSummary, OrOverEachPairsOwn) {
  const Json s = four_images(ImagesRule::pairwise).to_json();
  EXPECT_EQ(s["images_rule"], "pairwise");
  EXPECT_EQ(s["common_images"], 2);
  EXPECT_EQ(cell(s, "a", "c")["n"], 2);
  EXPECT_EQ(cell(s, "a", "c")["mean"], 0.5);
  EXPECT_EQ(cell(s, "a", "b")["n"], 3);
  EXPECT_DOUBLE_EQ(cell(s, "a", "b")["mean"], 1.75 / 3);
  EXPECT_EQ(cell(s, "a", "b")["median"], 0.5);

  const Json a = find(s["asymmetry"], {{"model", "a"}});  // image 3 has a -> b only
  EXPECT_DOUBLE_EQ(a["as_source"]["mean"], (0.375 + 0.5 + 1) / 3);
  EXPECT_DOUBLE_EQ(a["as_target"]["mean"], (0.625 + 0.375 + 1) / 3);
  EXPECT_DOUBLE_EQ(a["difference"]["mean"], (-0.25 + 0.125 + 0) / 3);
  const Json c = find(s["asymmetry"], {{"model", "c"}});
  EXPECT_DOUBLE_EQ(c["as_target"]["mean"], (0.375 + 0.375 + 1) / 3);
}

TEST(CrossSummary, ImagesWithoutAnyPairOfASideAreLeftOutOfIt) {
  const auto models = three_models();
  CrossSummary summary(models, {.images = ImagesRule::pairwise});
  add_image(summary, models, "1", {1, none, none, 0.5, 1, 1, 0.25, 1, 1});
  add_image(summary, models, "2", {1, 0.5, 0, 1, 1, 1, 1, 1, 1});
  const Json a = find(summary.to_json()["asymmetry"], {{"model", "a"}});
  EXPECT_EQ(a["as_source"]["n"], 1);
  EXPECT_EQ(a["as_source"]["mean"], 0.25);
  EXPECT_EQ(a["as_target"]["n"], 2);
  EXPECT_EQ(a["as_target"]["mean"], (0.375 + 1) / 2);
  EXPECT_EQ(a["difference"]["n"], 1);
  EXPECT_EQ(a["difference"]["mean"], -0.75);
}

TEST(CrossSummary, FamiliesAreOfPairsOfDifferentModels) {
  const Json families = four_images().to_json()["families"];
  EXPECT_EQ(families, Json::parse(R"([
    {"source_family": "x", "target_family": "x", "pairs": 2, "mean": 0.4375, "self_test": false},
    {"source_family": "x", "target_family": "y", "pairs": 2, "mean": 0.375, "self_test": false},
    {"source_family": "y", "target_family": "x", "pairs": 2, "mean": 0.5, "self_test": false},
    {"source_family": "y", "target_family": "y", "pairs": 0, "mean": 0.75, "self_test": true}])"));
}

TEST(CrossSummary, AsymmetryIsRowMinusColumn) {
  const Json asymmetry = four_images().to_json()["asymmetry"];
  const Json a = find(asymmetry, {{"model", "a"}, {"family", "x"}});
  EXPECT_EQ(a["as_source"]["mean"], 0.4375);  // 0.375 and 0.5
  EXPECT_EQ(a["as_target"]["mean"], 0.5);     // 0.625 and 0.375
  EXPECT_EQ(a["difference"]["mean"], -0.0625);
  EXPECT_EQ(a["difference"]["n"], 2);
  EXPECT_DOUBLE_EQ(a["difference"]["standard_deviation"], 0.375 / std::sqrt(2.0));
  EXPECT_EQ(find(asymmetry, {{"model", "b"}})["difference"]["mean"], (0.5 + 0.25 - 0.375 - 0.5) / 2);
  EXPECT_EQ(find(asymmetry, {{"model", "c"}})["difference"]["mean"], (0.5 + 0.5 - 0.5 - 0.25) / 2);
}

TEST(CrossSummary, LandscapeIsOfTheSymmetricMatrixAndOfRowsAndColumns) {
  const Json s = four_images().to_json();
  const Landscape pca =
      kernel_pca(std::vector<double>{0.75, 0.4375, 0.5, 0.4375, 0.75, 0.375, 0.5, 0.375, 0.75});
  const Landscape mds =
      classical_mds(model_distances(std::vector<double>{0.75, 0.375, 0.5, 0.5, 0.75, 0.25, 0.5, 0.5, 0.75}));
  EXPECT_TRUE(s["landscape_reason"].is_null());
  for (int i = 0; i < 3; ++i) {
    const Json& point = s["landscape"]["points"][i];
    EXPECT_EQ(point["model"], three_models()[i].name);
    EXPECT_EQ(point["kernel_pca"], Json(pca.points[i]));
    EXPECT_EQ(point["mds"], Json(mds.points[i]));
  }
  EXPECT_EQ(s["landscape"]["kernel_pca"]["eigenvalues"], Json(pca.eigenvalues));
  EXPECT_EQ(s["landscape"]["mds"]["explained"], Json(mds.explained));
}

TEST(CrossSummary, CountsWhyPairsAreUndefined) {
  const auto models = three_models();
  CrossSummary summary(models, {});
  add_image(summary, models, "1", {none, none, none, 1, 1, 1, 1, 1, 1}, "no-map");
  add_image(summary, models, "2", {1, none, none, 1, 1, 1, 1, 1, 1}, "map-target");
  add_image(summary, models, "3", {1, 1, 1, 1, 1, none, 1, 1, 1}, "gap");
  const Json s = summary.to_json();
  EXPECT_EQ(s["undefined_reasons"], (Json{{"gap", 1}, {"map-target", 2}, {"no-map", 3}}));
  EXPECT_EQ(s["pairs"], (Json{{"error", 0}, {"ok", 21}, {"undefined", 6}}));
  EXPECT_EQ(cell(s, "a", "a")["undefined"], 1);
  EXPECT_EQ(cell(s, "a", "b")["undefined"], 2);
}

TEST(CrossSummary, WithoutACommonImageThereAreNoNumbers) {
  for (const ImagesRule rule : {ImagesRule::common, ImagesRule::pairwise}) {
    const auto models = three_models();
    CrossSummary summary(models, {.images = rule});
    add_image(summary, models, "1", {1, 0.5, 0.5, 0.5, 1, 0.5, 0.5, 0.5, none});
    add_image(summary, models, "2", {1, none, 0.5, 0.5, 1, 0.5, 0.5, 0.5, none});
    const Json s = summary.to_json();
    EXPECT_EQ(s["common_images"], 0);
    EXPECT_TRUE(cell(s, "c", "c")["mean"].is_null() && cell(s, "c", "c")["low"].is_null());
    EXPECT_TRUE(s["families"][3]["mean"].is_null());
    EXPECT_TRUE(s["landscape"].is_null());
    if (rule == ImagesRule::common) {
      for (const Json& pair : s["matrix"]) EXPECT_TRUE(pair["n"] == 0 && pair["mean"].is_null());
      for (const Json& model : s["asymmetry"]) EXPECT_TRUE(model["difference"]["mean"].is_null());
      for (const Json& family : s["families"]) EXPECT_TRUE(family["mean"].is_null());
      EXPECT_EQ(s["landscape_reason"], "no image gives a value to a -> a");
    } else {
      EXPECT_EQ(cell(s, "a", "b")["n"], 1);
      EXPECT_EQ(s["families"][0]["mean"], 0.5);
      EXPECT_EQ(s["landscape_reason"], "no image gives a value to c -> c");
    }
    EXPECT_EQ(to_text(s).find("nan"), std::string::npos);
    EXPECT_NE(matrix_table(s).find("-"), std::string::npos);
  }
}

TEST(CrossSummary, TwoModelsHaveNoLandscapeAndOneNoOthers) {
  const std::vector<CrossModel> two = {{"a", "x", ""}, {"b", "y", ""}}, one = {{"a", "x", ""}};
  CrossSummary pair(two, {}), single(one, {});
  add_image(pair, two, "1", {1, 0.5, 0.25, 1});
  add_image(single, one, "1", {0.5});
  EXPECT_EQ(pair.to_json()["landscape_reason"], "a landscape needs at least three models");
  EXPECT_EQ(pair.to_json()["asymmetry"][0]["difference"]["mean"], 0.25);
  const Json s = single.to_json();
  EXPECT_EQ(s["matrix"][0]["mean"], 0.5);
  EXPECT_EQ(s["asymmetry"][0]["as_source"]["n"], 0);
  EXPECT_EQ(
      s["families"][0],
      (Json{
          {"source_family", "x"}, {"target_family", "x"}, {"pairs", 0}, {"mean", 0.5}, {"self_test", true}}));
  EXPECT_NE(matrix_table(s).find("0.500"), std::string::npos);
}

TEST(CrossSummary, PermutedModelsPermuteTheMatrix) {
  const auto models = three_models();
  std::vector<CrossModel> turned = {models[2], models[0], models[1]};
  const std::vector<std::vector<double>> images = {{1, 0.5, 0.25, 0.75, 1, 0.5, 0.5, 0.25, 1},
                                                   {0.5, 0.25, 0.75, 0.25, 0.5, 0, 0.5, 0.75, 0.5},
                                                   {0.9, 0.2, 0.3, 0.1, 0.6, 0.4, 0.8, 0.7, none}};
  CrossSummary first(models, {.seed = 7}), second(turned, {.seed = 7});
  for (std::size_t k = 0; k < images.size(); ++k) {
    std::vector<double> moved;
    for (const int i : {2, 0, 1})
      for (const int j : {2, 0, 1}) moved.push_back(images[k][3 * i + j]);
    add_image(first, models, std::to_string(k), images[k]);
    add_image(second, turned, std::to_string(k), moved);
  }
  const Json a = first.to_json(), b = second.to_json();
  for (const Json& pair : a["matrix"])
    EXPECT_EQ(pair, cell(b, pair["source"], pair["model"])) << to_text(pair);
  EXPECT_EQ(b["matrix"][1]["source"], "c");
  EXPECT_EQ(b["matrix"][1]["model"], "a");
  for (const Json& model : a["asymmetry"])
    EXPECT_EQ(model, find(b["asymmetry"], {{"model", model["model"]}}));
  for (const Json& family : a["families"])
    EXPECT_EQ(family["mean"], find(b["families"], {{"source_family", family["source_family"]},
                                                   {"target_family", family["target_family"]}})["mean"]);
  for (const Json& point : a["landscape"]["points"]) {
    const Json other = find(b["landscape"]["points"], {{"model", point["model"]}});
    for (const char* method : {"kernel_pca", "mds"})
      for (int d = 0; d < 2; ++d)
        EXPECT_NEAR(point[method][d].get<double>(), other[method][d].get<double>(), 1e-12);
  }
}

TEST(CrossSummary, EnsemblesGainOverTheBestAndTheMeanOfTheirMembers) {
  CrossSummary summary = four_images();
  EXPECT_TRUE(summary.to_json()["ensembles"].is_null());
  EXPECT_TRUE(summary.to_json()["models"][0]["top1"].is_null());
  summary.set_ensembles(seven_sets());
  const Json s = summary.to_json();
  EXPECT_EQ(s["models"][1]["top1"], (Json{{"n", 100}, {"count", 50}, {"share", 0.5}}));
  EXPECT_EQ(s["models"][1]["top5"]["count"], 80);
  struct Expected {
    Json members;
    const char* relation;
    double over_best, over_mean;
  };
  const std::vector<Expected> expected = {{Json::array({"a"}), "single", 0, 0},
                                          {Json::array({"b"}), "single", 0, 0},
                                          {Json::array({"c"}), "single", 0, 0},
                                          {Json::array({"a", "b"}), "within", 0.05, 0.1},
                                          {Json::array({"a", "c"}), "across", -0.02, 0.08},
                                          {Json::array({"b", "c"}), "across", 0.05, 0.1},
                                          {Json::array({"a", "b", "c"}), "across", 0.1, 0.2}};
  const Json& sets = s["ensembles"]["sets"];
  ASSERT_EQ(sets.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(sets[i]["members"], expected[i].members);
    EXPECT_EQ(sets[i]["relation"], expected[i].relation);
    EXPECT_NEAR(sets[i]["gain_over_best"].get<double>(), expected[i].over_best, 1e-12) << i;
    EXPECT_NEAR(sets[i]["gain_over_mean"].get<double>(), expected[i].over_mean, 1e-12) << i;
  }
  EXPECT_EQ(sets[6]["top5"], (Json{{"n", 100}, {"count", 95}, {"share", 0.95}}));
  const Json &within = s["ensembles"]["pairs_within"], &across = s["ensembles"]["pairs_across"];
  EXPECT_EQ(within["n"], 1);
  EXPECT_EQ(across["n"], 2);
  EXPECT_NEAR(within["mean_gain_over_best"].get<double>(), 0.05, 1e-12);
  EXPECT_NEAR(across["mean_gain_over_best"].get<double>(), 0.015, 1e-12);
  EXPECT_NEAR(across["mean_gain_over_mean"].get<double>(), 0.09, 1e-12);
}

TEST(CrossSummary, ASetIsOfAFamilyOnlyIfAllItsMembersAre) {
  CrossSummary summary({{"a", "x", ""}, {"b", "y", ""}, {"c", "x", ""}}, {});
  summary.set_ensembles(seven_sets());
  const Json sets = summary.to_json()["ensembles"]["sets"];
  const std::vector<std::string> expected = {"single", "single", "single", "across",
                                             "within", "across", "across"};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(sets[i]["relation"], expected[i]) << i;
}

TEST(CrossSummary, RefusesModelsOfOneName) {
  EXPECT_THROW(CrossSummary({{"a", "x", ""}, {"a", "y", ""}}, {}), UsageError);
}

TEST(CrossTables, CsvFilesHaveALineAThing) {
  CrossSummary summary = four_images();
  const Json without = summary.to_json();
  EXPECT_EQ(ensemble_csv(without), "members,size,relation,n,top1,top5,gain_over_best,gain_over_mean\r\n");
  summary.set_ensembles(seven_sets());
  const Json s = summary.to_json();
  const auto starts = [](const std::string& text, const std::string& start) { return text.find(start) == 0; };
  const auto lines = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
  EXPECT_TRUE(starts(matrix_csv(s),
                     "source,model,n,mean,median,standard_deviation,low,high,undefined\r\n"
                     "a,a,2,0.75,0.75,0.3535533905932738,0.5,1.0,0\r\na,b,2,0.375,"))
      << matrix_csv(s);
  EXPECT_EQ(lines(matrix_csv(s)), 10);
  EXPECT_EQ(family_matrix_csv(s),
            "source_family,target_family,pairs,mean,self_test\r\n"
            "x,x,2,0.4375,false\r\nx,y,2,0.375,false\r\ny,x,2,0.5,false\r\ny,y,0,0.75,true\r\n");
  EXPECT_TRUE(starts(asymmetry_csv(s),
                     "model,family,as_source,as_source_low,as_source_high,as_target,as_target_low,"
                     "as_target_high,difference,difference_low,difference_high,n\r\n"
                     "a,x,0.4375,0.375,0.5,0.5,0.375,0.625,-0.0625,-0.25,0.125,2\r\n"))
      << asymmetry_csv(s);
  const auto x = to_text(s["landscape"]["points"][0]["kernel_pca"][0]);
  EXPECT_TRUE(
      starts(landscape_csv(s), "model,family,kernel_pca_1,kernel_pca_2,mds_1,mds_2\r\na,x," + x + ","));
  EXPECT_EQ(lines(landscape_csv(s)), 4);
  EXPECT_NE(ensemble_csv(s).find("\r\na+c,2,across,100,0.58,0.92,-0.02,"), std::string::npos)
      << ensemble_csv(s);
  EXPECT_EQ(lines(ensemble_csv(s)), 8);
  EXPECT_TRUE(
      starts(summary_csv(s), "quantity,n,mean,median,standard_deviation,low,high\r\nauc a -> a,2,0.75,"));

  const std::vector<CrossModel> two = {{"a", "x", ""}, {"b", "y", ""}};
  EXPECT_EQ(landscape_csv(CrossSummary(two, {}).to_json()),
            "model,family,kernel_pca_1,kernel_pca_2,mds_1,mds_2\r\na,x,,,,\r\nb,y,,,,\r\n");
}

TEST(CrossTables, TableToReadShowsMatrixFamiliesAndCounts) {
  CrossSummary summary = four_images();
  summary.set_ensembles(seven_sets());
  EXPECT_EQ(
      matrix_table(summary.to_json()),
      "Mean insertion AUC (higher is better); rows: where the map comes from, columns: the model tested\n"
      "            a      b      c  others\n"
      "a       0.750  0.375  0.500   0.438\n"
      "b       0.500  0.750  0.250   0.375\n"
      "c       0.500  0.500  0.750   0.500\n"
      "others  0.500  0.438  0.375   0.438\n"
      "\n"
      "Families: means over ordered pairs of different models; *: a family of one, its self-test\n"
      "       x       y\n"
      "x  0.438   0.375\n"
      "y  0.500  0.750*\n"
      "\n"
      "Over the 2 of 4 images whose pairs are all defined.\n"
      "Pairs: 26 ok, 1 undefined (1 gap, 0 map-target, 0 no-map), 9 error.\n"
      "\n"
      "Top-1 of averaging two models, in percentage points\n"
      "  within a family  +5.00 over the better model, +10.00 over their mean (1 pairs)\n"
      "  across families  +1.50 over the better model, +9.00 over their mean (2 pairs)\n");
  const auto pairwise = matrix_table(four_images(ImagesRule::pairwise).to_json());
  EXPECT_NE(pairwise.find("Over each pair's own images of 4; of 2 all pairs are defined."),
            std::string::npos);
  EXPECT_EQ(pairwise.find("Top-1"), std::string::npos);
}

TEST(CrossTables, ManyModelsFitATerminal) {
  for (const int n : {6, 13}) {
    std::vector<CrossModel> models;
    for (int i = 0; i < n; ++i)
      models.push_back({cat("deit_small_distilled_patch16_", i), cat("family", i % 5), ""});
    CrossSummary summary(models, {});
    add_image(summary, models, "1", std::vector<double>(n * n, 0.625));
    const auto table = matrix_table(summary.to_json());
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
    EXPECT_NE(table.find(cat("\n", n, " deit_small_distilled")), std::string::npos) << table;
    EXPECT_NE(table.find(n == 6 ? " 0.625  0.625" : " 0.62 0.62"), std::string::npos) << table;
  }
}

}  // namespace
}  // namespace xai
