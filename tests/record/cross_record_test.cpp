#include "xai/record/cross_record.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "fixtures/cross_records.hpp"

namespace xai {
namespace {

TEST(CrossRecord, HoldsTheCurveAndItsEnds) {
  EXPECT_EQ(to_text(cross_record(tested_pair())), to_text(Json::parse(R"({
    "image": "n01/a.JPEG", "content": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "status": "ok", "reason": null, "label": 3, "predicted": 4, "target": 3, "p_full": 0.75, "p_baseline": 0.125,
    "source": "lite0", "model": "vit", "outside": 0.0625, "auc": 0.625, "curve": [0.0, 0.75, 1.0], "sets": null,
    "picture": "images/n01/a.JPEG.png"})")));
}

TEST(CrossRecord, HoldsWhatAModelSaysOfAnothersSets) {
  const Json record = cross_record(shown_pair());
  EXPECT_EQ(record["status"], "ok");
  EXPECT_TRUE(record["auc"].is_null() && record["curve"].empty());
  EXPECT_EQ(to_text(record["sets"]), to_text(Json::parse(R"({
    "threshold": 0.5, "shown": [0, 1, 4], "sufficient": 2, "smallest": 2, "smallest_sufficient": 1,
    "ratios": [1.0, 0.25, 0.5], "random_ratios": [0.0, 0.125, 0.75],
    "other_image": "n01/b.JPEG", "other_ratios": [0.25]})")));
  CrossPair alone = shown_pair();
  alone.sets->other_image.clear();
  alone.sets->other_ratios.clear();
  EXPECT_TRUE(cross_record(alone)["sets"]["other_image"].is_null());
}

TEST(CrossRecord, EveryKindHasEveryFieldInOrder) {
  for (const Json& record : cross_records())
    EXPECT_EQ(field_names(record), field_names(cross_records().front()));
}

TEST(CrossRecord, WithoutACurveSaysWhy) {
  const auto records = cross_records();
  const std::vector<std::pair<std::string, std::string>> expected = {{"undefined", "gap"},
                                                                     {"undefined", "map-target"},
                                                                     {"undefined", "no-map"},
                                                                     {"error", "b.JPEG: no JPEG"}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Json& record = records[i + 1];
    EXPECT_EQ(record["status"], expected[i].first);
    EXPECT_EQ(record["reason"], expected[i].second);
    EXPECT_TRUE(record["auc"].is_null());
    EXPECT_EQ(record["curve"], Json::array());
  }
  EXPECT_EQ(records[1]["p_full"], 0.15);
  EXPECT_EQ(records[1]["p_baseline"], 0.125);
  for (const char* field : {"target", "label", "p_full", "p_baseline", "outside"})
    EXPECT_TRUE(records[3][field].is_null()) << field;
}

TEST(CrossRecord, NeverHoldsANumberThatIsNone) {
  CrossPair pair = tested_pair();
  pair.facts.p_full = std::numeric_limits<double>::quiet_NaN();
  pair.curve->auc = std::numeric_limits<double>::infinity();
  const Json record = cross_record(pair);
  EXPECT_TRUE(record["p_full"].is_null() && record["auc"].is_null());
}

}  // namespace
}  // namespace xai
