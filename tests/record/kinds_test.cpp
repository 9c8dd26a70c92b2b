#include "xai/record/kinds.hpp"

#include <gtest/gtest.h>

#include "fixtures/counted_records.hpp"
#include "fixtures/cross_records.hpp"
#include "fixtures/cross_summaries.hpp"
#include "fixtures/saliency_records.hpp"
#include "xai/core/error.hpp"
#include "xai/record/cross_tables.hpp"
#include "xai/record/sub_explanation_summary.hpp"
#include "xai/record/summary.hpp"

namespace xai {
namespace {

/// As run.json says it of a run with the setting of four_images().
Json cross_run() {
  Json models = Json::array();
  for (const CrossModel& model : three_models())
    models.push_back({{"path", "m.pt"},
                      {"sha256", model.sha256},
                      {"card", {{"name", model.name}, {"family", model.family}, {"classes", 3}}}});
  return {{"options",
           {{"steps", 50}, {"min_gap", 0.05}, {"method", "igos++"}, {"size", 28}, {"images", "common"}}},
          {"model", models},
          {"data", {{"count", 5}}},
          {"seed", 1}};
}

TEST(Kinds, StatusesAndKeysAreThoseOfTheRecords) {
  const std::vector<std::pair<const RunKind*, std::vector<Json>>> all = {
      {&mse_kind(), records_of_every_kind()},
      {&subexp_kind(), counted_records_of_every_kind()},
      {&saliency_kind(), saliency_records()},
      {&crosstest_kind(), cross_records()}};
  for (const auto& [kind, records] : all) {
    std::map<std::string, int> statuses;
    for (const Json& record : records) {
      ++statuses[record["status"]];
      for (const std::string& field : kind->key) EXPECT_TRUE(record[field].is_string()) << kind->tool;
    }
    EXPECT_EQ(kind->key.front(), "image");
    EXPECT_EQ(statuses.size(), kind->statuses.size());
    for (const std::string& status : kind->statuses) EXPECT_EQ(statuses.count(status), 1U) << status;
  }
}

TEST(Kinds, OwnWhatTheirRecordsNameAndTheirTables) {
  const auto owned = [](const RunKind& kind, const std::string& path) {
    for (const std::string& own : kind.paths)
      if (path == own || (own.ends_with('/') && path.starts_with(own))) return true;
    return false;
  };
  EXPECT_TRUE(owned(mse_kind(), ok_record()["picture"]));
  EXPECT_TRUE(owned(mse_kind(), "scores/a.JPEG.npy"));
  EXPECT_TRUE(owned(subexp_kind(), counted_records_of_every_kind()[0]["graph"]));
  EXPECT_TRUE(owned(saliency_kind(), saliency_records()[0]["map"]));
  EXPECT_TRUE(owned(saliency_kind(), saliency_records()[0]["picture"]));
  EXPECT_TRUE(owned(crosstest_kind(), cross_records()[0]["picture"]));
  EXPECT_TRUE(owned(crosstest_kind(), "predictions/a.npy") && owned(crosstest_kind(), "baselines/a.npy"));
  EXPECT_FALSE(owned(crosstest_kind(), "saliency/a/run.json"));  // runs of their own
  CrossSummary summary = four_images();
  summary.set_ensembles(seven_sets());
  for (const auto& [name, content] : summary.tables(summary.to_json()))
    EXPECT_TRUE(owned(crosstest_kind(), name)) << name;
  for (const auto& [name, content] : shown_images().tables(shown_images().to_json()))
    EXPECT_TRUE(owned(crosstest_kind(), name)) << name;
}

TEST(Kinds, ReadTheRunsTheyStartFrom) {
  EXPECT_EQ(subexp_kind().reads, std::vector<std::string>{mse_kind().tool});
  EXPECT_EQ(crosstest_kind().reads, (std::vector<std::string>{saliency_kind().tool, mse_kind().tool}));
  EXPECT_TRUE(mse_kind().reads.empty() && saliency_kind().reads.empty());
}

TEST(Kinds, MakeTheirSummaryFromRunJson) {
  const auto summed = [](Summary& summary, const std::vector<Json>& records) {
    for (const Json& record : records) summary.add(record);
    return summary.to_json();
  };
  const auto made = [&](const RunKind& kind, const Json& run, const std::vector<Json>& records) {
    return summed(*kind.summary(run), records);
  };
  MseSummary mses(7);
  SubExplanationSummary counted(7);
  SaliencySummary maps({.method = "rise", .size = 7, .metric = Metric::reference}, 7);
  EXPECT_EQ(made(mse_kind(), {{"seed", 7}}, records_of_every_kind()), summed(mses, records_of_every_kind()));
  EXPECT_EQ(made(subexp_kind(), {{"seed", 7}}, counted_records_of_every_kind()),
            summed(counted, counted_records_of_every_kind()));
  EXPECT_EQ(made(saliency_kind(),
                 {{"seed", 7}, {"options", {{"method", "rise"}, {"size", 7}, {"metric", "reference"}}}},
                 saliency_records()),
            summed(maps, saliency_records()));

  CrossSummary expected(three_models(), {.predicted_images = 5, .seed = 1});
  const auto cross = crosstest_kind().summary(cross_run());
  for (CrossSummary* summary : {&expected, dynamic_cast<CrossSummary*>(cross.get())})
    add_image(*summary, three_models(), "1", {1, 0.5, 0.25, 0.75, 1, 0.5, 0.5, 0.25, 1});
  EXPECT_EQ(cross->to_json(), expected.to_json());
  Json pairwise = cross_run();
  pairwise["options"]["images"] = "pairwise";
  EXPECT_EQ(crosstest_kind().summary(pairwise)->to_json()["images_rule"], "pairwise");
  Json shows = cross_run();
  shows["options"] = {{"mses", {"runs/a"}}, {"min_gap", 0.1}, {"sets", 4}, {"images", "common"}};
  const Json shown = crosstest_kind().summary(shows)->to_json();
  EXPECT_EQ(shown["shows"], "mses");
  EXPECT_EQ(shown["sets"], 4);
}

TEST(Kinds, RefuseARunJsonThatDoesNotSay) {
  EXPECT_THROW(mse_kind().summary({{"seed", nullptr}}), DataError);
  EXPECT_THROW(saliency_kind().summary({{"seed", 1}}), DataError);
  Json run = cross_run();
  run["options"]["images"] = "some";
  EXPECT_THROW(crosstest_kind().summary(run), DataError);
  run = cross_run();
  run["model"][1].erase("card");
  EXPECT_THROW(crosstest_kind().summary(run), DataError);
}

TEST(Kinds, TablesAreMadeOfTheSummary) {
  CrossSummary summary = four_images();
  const auto names = [](const std::map<std::string, std::string>& files) {
    std::vector<std::string> result;
    for (const auto& [name, content] : files) result.push_back(name);
    return result;
  };
  EXPECT_EQ(names(summary.tables(summary.to_json())),
            (std::vector<std::string>{"asymmetry.csv", "family_matrix.csv", "landscape.csv", "matrix.csv"}));
  summary.set_ensembles(seven_sets());
  const Json document = summary.to_json();
  const auto files = summary.tables(document);
  ASSERT_EQ(files.size(), 5U);
  EXPECT_EQ(files.at("matrix.csv"), matrix_csv(document));
  EXPECT_EQ(files.at("family_matrix.csv"), family_matrix_csv(document));
  EXPECT_EQ(files.at("asymmetry.csv"), asymmetry_csv(document));
  EXPECT_EQ(files.at("landscape.csv"), landscape_csv(document));
  EXPECT_EQ(files.at("ensemble.csv"), ensemble_csv(document));
  EXPECT_TRUE(MseSummary(1).tables(MseSummary(1).to_json()).empty());
}

}  // namespace
}  // namespace xai
