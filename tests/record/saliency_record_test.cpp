#include "xai/record/saliency_record.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "fixtures/saliency_records.hpp"
#include "xai/record/summary.hpp"

namespace xai {
namespace {

TEST(SaliencyRecord, HoldsTheMapItsScoresAndHowItCameAbout) {
  EXPECT_EQ(to_text(saliency_record(explained_image, {}, explained())), to_text(Json::parse(R"({
    "image": "n01/a.JPEG", "content": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "status": "ok", "reason": null, "label": 3, "predicted": 4, "target": 4, "p_full": 0.75, "p_baseline": 0.125,
    "method": "igos++", "size": 28, "map": "maps/lite/n01/a.JPEG.igos++.npy",
    "metric": "normalised",
    "insertion": {"auc": 0.625, "curve": [0.0, 0.75, 1.0]}, "deletion": {"auc": 0.375, "curve": [1.0, 0.25, 0.0]},
    "undefined": null, "forward": 300, "backward": 120, "iterations": 2, "stop_reason": "iterations",
    "objective": {"deletion": [0.5, 0.25], "total_variation": [0.0, 0.125]}, "near_ties": 1, "repeats": null,
    "picture": "images/n01/a.JPEG.png", "seconds": 1.5})")));
}

TEST(SaliencyRecord, EveryKindHasEveryFieldInOrder) {
  const auto records = saliency_records();
  for (const Json& record : records) EXPECT_EQ(field_names(record), field_names(records.front()));
}

TEST(SaliencyRecord, WithoutAGapTheScoresAreNullAndSayWhy) {
  const Json record = saliency_records()[2];
  EXPECT_EQ(record["status"], "ok");
  EXPECT_EQ(record["undefined"], "gap");
  EXPECT_TRUE(record["insertion"].is_null() && record["deletion"].is_null());
  EXPECT_EQ(record["map"], "maps/lite/n01/a.JPEG.igos++.npy");
}

TEST(SaliencyRecord, ImagesWithoutAMapHaveNulls) {
  const Json skipped = blank_saliency_record(explained_image, {}, "skipped", "low-probability");
  EXPECT_EQ(skipped["reason"], "low-probability");
  EXPECT_EQ(skipped["forward"], 1);
  EXPECT_EQ(skipped["p_full"], 0.75);
  const Json failed = blank_saliency_record({.image = "b"}, {.method = "rise"}, "error", "b: no image");
  EXPECT_EQ(failed["reason"], "b: no image");
  EXPECT_EQ(failed["method"], "rise");
  EXPECT_TRUE(failed["forward"].is_null() && failed["predicted"].is_null());
  for (const Json& record : {skipped, failed})
    for (const char* field : {"map", "insertion", "deletion", "undefined", "iterations", "stop_reason"})
      EXPECT_TRUE(record[field].is_null()) << field;
}

TEST(SaliencyRecord, NeverHoldsANumberThatIsNone) {
  SaliencyFacts facts = explained();
  facts.objective[0].second[1] = std::numeric_limits<double>::infinity();
  ImageFacts image = explained_image;
  image.p_baseline = std::numeric_limits<double>::quiet_NaN();
  const Json record = saliency_record(image, {}, facts);
  EXPECT_TRUE(record["objective"]["deletion"][1].is_null());
  EXPECT_TRUE(record["p_baseline"].is_null());
}

TEST(SaliencyRecord, PathsNameModelImageAndMethod) {
  EXPECT_EQ(saliency_map_path("lite", "n01/a.JPEG", "igos++"), "maps/lite/n01/a.JPEG.igos++.npy");
}

TEST(SaliencySummary, DescribesTheScoresOfTheImagesThatHaveThem) {
  SaliencySummary summary({}, 1);
  for (const Json& record : saliency_records()) summary.add(record);
  const Json s = summary.to_json();
  EXPECT_EQ(s["tool"], "xai-saliency");
  EXPECT_EQ(s["images"], 5);
  EXPECT_EQ(s["statuses"], (Json{{"error", 1}, {"ok", 3}, {"skipped", 1}}));
  EXPECT_EQ(s["skip_reasons"], (Json{{"wrong", 1}}));
  EXPECT_EQ(s["stop_reasons"], (Json{{"iterations", 2}}));  // one had no optimiser
  EXPECT_EQ(s["undefined"], (Json{{"n", 3}, {"count", 1}, {"share", 1 / 3.0}}));
  EXPECT_EQ(s["near_ties"]["count"], 2);
  EXPECT_EQ(s["quantities"]["insertion"]["n"], 2);
  EXPECT_EQ(s["quantities"]["insertion"]["mean"], 0.625);
  EXPECT_EQ(s["quantities"]["deletion"]["median"], 0.375);
  EXPECT_EQ(s["quantities"]["forward"]["mean"], 300);
  EXPECT_EQ(s["quantities"]["iterations"]["n"], 3);
  EXPECT_EQ(summary_csv(s).find("quantity,n,mean,median,standard_deviation,low,high\r\ninsertion,2,0.625,"),
            0U);
}

}  // namespace
}  // namespace xai
