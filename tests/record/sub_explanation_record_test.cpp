#include "xai/record/sub_explanation_record.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "fixtures/counted_records.hpp"
#include "xai/core/error.hpp"
#include "xai/record/sub_explanation_summary.hpp"

namespace xai {
namespace {

TEST(SubExplanationRecord, HoldsTheCounts) {
  const Json record = counted_records_of_every_kind()[0];
  const double log10 = 60 * std::log10(2.0);
  EXPECT_EQ(record["near_ties"], 2 + 3 + 1);
  EXPECT_EQ(record["graph"], "graphs/n01/a.JPEG.dot");
  const Json& counted = record["sub_explanations"];
  EXPECT_EQ(counted["distinct"], 4);
  EXPECT_EQ(counted["tree_nodes"], "1152921504606846977");  // above 2^53
  EXPECT_NEAR(counted["log10_tree_nodes"], log10, 1e-12);
  EXPECT_EQ(counted["truncated"], true);
  EXPECT_EQ(counted["by_size"], Json::parse(R"({"1": {"distinct": 3, "tree_nodes": "1152921504606846976"},
                                                "2": {"distinct": 1, "tree_nodes": 1}})"));
  EXPECT_EQ(counted["node_threshold"], 0.5);
  EXPECT_EQ(counted["per_mse"]["distinct"], 2);  // of 1 and 3
  EXPECT_EQ(counted["per_mse"]["tree_nodes"], 0x1p59);
  EXPECT_NEAR(counted["per_mse"]["log10_tree_nodes"], log10 - std::log10(2.0), 1e-12);
  EXPECT_EQ(counted["evaluations"], 20);
  EXPECT_EQ(counted["saved"], 5);
  EXPECT_EQ(counted["estimate"],
            Json::parse(R"({"tree_nodes": 1e18, "standard_error": 2e17, "log10_tree_nodes": 18.0, "probes": 8,
                            "evaluations": 7, "saved": 6})"));
  EXPECT_EQ(record["mses"][0]["sub_explanations"],
            Json::parse(R"({"distinct": 1, "tree_nodes": 1, "log10_tree_nodes": 0.0, "truncated": false,
                            "by_size": {"1": {"distinct": 1, "tree_nodes": 1}}})"));
  EXPECT_EQ(record["mses"][1]["sub_explanations"]["truncated"], true);
}

TEST(SubExplanationRecord, NumbersAreExactUpToTwoToThe53) {
  CountedImage counted;
  for (const auto& [value, text] : {std::pair(std::uint64_t{1} << 53, "9007199254740992"),
                                    {(std::uint64_t{1} << 53) + 1, "\"9007199254740993\""}}) {
    counted.counts.total.all.tree_nodes = value;
    EXPECT_EQ(to_text(sub_explanation_record(ok_record(), {}, counted)["sub_explanations"]["tree_nodes"]),
              text);
  }
}

TEST(SubExplanationRecord, OfImagesWithoutCountsIsNull) {
  for (const Json& record : counted_records_of_every_kind()) {
    EXPECT_EQ(record["sub_explanations"].is_null(), record["status"] != "ok");
    EXPECT_EQ(record["graph"].is_null(), record["image"] != "n01/a.JPEG");
  }
  const Json none = counted_records_of_every_kind()[1]["sub_explanations"];
  EXPECT_EQ(none["distinct"], 0);
  EXPECT_EQ(none["tree_nodes"], 0);
  EXPECT_TRUE(none["log10_tree_nodes"].is_null());
  EXPECT_TRUE(none["per_mse"].is_null());
}

TEST(SubExplanationSummary, KeepsTruncatedImagesApart) {
  SubExplanationSummary summary(1);
  for (const Json& record : counted_records_of_every_kind()) summary.add(record);
  const Json s = summary.to_json();
  EXPECT_EQ(s["tool"], "xai-subexp");
  EXPECT_EQ(s["images"], 7);
  EXPECT_EQ(s["truncated"], (Json{{"n", 2}, {"count", 1}, {"share", 0.5}}));
  EXPECT_EQ(s["without_sub_explanations"], (Json{{"n", 2}, {"count", 1}, {"share", 0.5}}));
  const Json& q = s["quantities"];
  EXPECT_EQ(q["found"]["mean"], 1);
  EXPECT_EQ(q["distinct"]["n"], 1);
  EXPECT_EQ(q["distinct"]["mean"], 0);
  EXPECT_EQ(q["log10_tree_nodes"]["n"], 0);
  EXPECT_EQ(q["distinct_per_mse"]["n"], 0);
  EXPECT_EQ(q["truncated_distinct"]["mean"], 4);
  EXPECT_EQ(q["truncated_tree_nodes"]["mean"], 0x1p60);  // 2^60 + 1 as a double
  EXPECT_EQ(q["truncated_distinct_per_mse"]["mean"], 2);
  EXPECT_EQ(q["estimated_tree_nodes"]["mean"], 1e18);
  EXPECT_EQ(q["sub_evaluations"]["mean"], 13.5);  // 20 and the estimate's 7; 0
  EXPECT_EQ(q["saved"]["mean"], 5.5);
}

TEST(MseRecord, ReadsBackAsTheResult) {
  const Json record = ok_record();
  const MseResult result = read_mse_record(Json::parse(to_text(record)));
  EXPECT_EQ(mse_record(some_facts(), {}, result), record);
}

TEST(MseRecord, ThatIsNoneIsRefused) {
  const auto refused = [](const Json& record) {
    EXPECT_THROW(read_mse_record(record), DataError) << to_text(record);
  };
  refused(Json::object());
  refused(records_of_every_kind()[2]);
  for (const auto& [field, value] : {std::pair("mses", Json(1)),
                                     {"stop_reason", Json("bored")},
                                     {"p_full", Json("much")},
                                     {"grid", Json()}}) {
    Json record = ok_record();
    record[field] = value;
    refused(record);
  }
  for (const auto& [field, value] : {std::pair("patches", Json{49}),
                                     {"patches", Json{-1}},
                                     {"patches", Json::array()},
                                     {"certificate", Json("none")}}) {
    Json record = ok_record();
    record["mses"][0][field] = value;
    refused(record);
  }
}

}  // namespace
}  // namespace xai
