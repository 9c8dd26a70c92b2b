#include "xai/record/mse_record.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "fixtures/records.hpp"

namespace xai {
namespace {

// SPEC 8, with `content` and `picture`
const std::vector<std::string> fields = {
    "image",       "content",     "status",     "reason",        "label",           "predicted",
    "target",      "p_full",      "p_baseline", "grid",          "sufficient",      "threshold",
    "mses",        "found",       "diverse",    "diverse_exact", "diverse_members", "min_size",
    "stop_reason", "evaluations", "near_ties",  "picture",       "seconds"};

TEST(MseRecord, EveryKindHasEveryFieldInOrder) {
  for (const Json& record : records_of_every_kind())
    EXPECT_EQ(field_names(record), fields) << to_text(record);
}

TEST(MseRecord, HoldsTheResultOfTheSearch) {
  EXPECT_EQ(Json::parse(to_text(ok_record())), Json::parse(R"({
    "image": "n01/a.JPEG", "content": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "status": "ok", "reason": null, "label": 3, "predicted": 4, "target": 4,
    "p_full": 0.8, "p_baseline": 0.01, "grid": 7, "sufficient": "ratio", "threshold": 0.9,
    "mses": [
      {"patches": [3], "p": 0.76, "ratio": 0.95, "keeps_top1": true, "certificate": "all-subsets", "checked_depth": 1},
      {"patches": [0, 48], "p": 0.72, "ratio": 0.9, "keeps_top1": false, "certificate": "single-removal", "checked_depth": 1}],
    "found": 2, "diverse": 2, "diverse_exact": true, "diverse_members": [0, 1], "min_size": 1,
    "stop_reason": "max-evaluations", "evaluations": 1500, "near_ties": 2,
    "picture": "images/n01/a.JPEG.png", "seconds": 1.5})"));
}

TEST(MseRecord, ImagesWithoutASearchHaveNullsForItsCounts) {
  const auto skipped = blank_mse_record(
      {.image = "a", .label = 1, .predicted = 2, .target = 2, .p_full = 0.4}, {}, "skipped", "wrong");
  EXPECT_EQ(skipped["status"], "skipped");
  EXPECT_EQ(skipped["reason"], "wrong");
  EXPECT_EQ(skipped["p_full"], 0.4);
  EXPECT_TRUE(skipped["found"].is_null());
  EXPECT_TRUE(skipped["mses"].empty());
  EXPECT_EQ(skipped["evaluations"], 1);

  const auto failed = blank_mse_record({.image = "a"}, {}, "error", "a: not a JPEG");
  EXPECT_EQ(failed["status"], "error");
  EXPECT_EQ(failed["reason"], "a: not a JPEG");
  for (const char* field : {"label", "predicted", "target", "p_full", "evaluations", "picture", "min_size"})
    EXPECT_TRUE(failed[field].is_null()) << field;

  MseResult zero;
  zero.status = MseStatus::zero_probability;
  zero.evaluations = 2;
  const auto record = mse_record({.image = "a", .predicted = 0, .target = 1}, {}, zero);
  EXPECT_EQ(record["status"], "skipped");
  EXPECT_EQ(record["reason"], "zero-probability");
  EXPECT_EQ(record["p_full"], 0);
  EXPECT_EQ(record["evaluations"], 2);
  EXPECT_TRUE(record["found"].is_null());
  EXPECT_TRUE(record["stop_reason"].is_null());

  zero.status = MseStatus::wrong;
  zero.p_full = 0.4;
  MseOptions options;
  options.sufficient = Sufficient::top1;
  const auto wrong = mse_record({.image = "a", .predicted = 0, .target = 1}, options, zero);
  EXPECT_EQ(wrong["status"], "skipped");
  EXPECT_EQ(wrong["reason"], "wrong");
  EXPECT_EQ(wrong["sufficient"], "top1");
  EXPECT_EQ(wrong["p_full"], 0.4);
  EXPECT_TRUE(wrong["found"].is_null());
}

TEST(MseRecord, SufficientBaselineHasNoMses) {
  MseResult result;
  result.status = MseStatus::baseline_sufficient;
  const auto record = mse_record({.image = "a"}, {}, result);
  EXPECT_EQ(record["status"], "baseline-sufficient");
  EXPECT_TRUE(record["reason"].is_null());
  EXPECT_EQ(record["found"], 0);
  EXPECT_TRUE(record["min_size"].is_null());
}

}  // namespace
}  // namespace xai
