#include "xai/record/summary.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fixtures/records.hpp"

namespace xai {
namespace {

TEST(Summary, CountsEveryKindOfImage) {
  MseSummary summary(1);
  for (const Json& record : records_of_every_kind()) summary.add(record);
  const Json s = summary.to_json();
  EXPECT_EQ(s["images"], 7);
  EXPECT_EQ(s["statuses"], (Json{{"baseline-sufficient", 1}, {"error", 1}, {"ok", 2}, {"skipped", 3}}));
  EXPECT_EQ(s["skip_reasons"], (Json{{"low-probability", 1}, {"wrong", 1}, {"zero-probability", 1}}));
  EXPECT_EQ(s["stop_reasons"], (Json{{"exhausted", 1}, {"max-evaluations", 1}}));
  EXPECT_EQ(s["certificates"], (Json{{"all-subsets", 1}, {"single-removal", 1}}));
  EXPECT_EQ(s["mses_by_size"], (Json{{"1", 1}, {"2", 1}}));
  EXPECT_EQ(s["top1"], (Json{{"n", 5}, {"count", 3}, {"share", 0.6}}));  // b, c, d of a, b, c, d, f
  EXPECT_EQ(s["without_mse"], (Json{{"n", 2}, {"count", 1}, {"share", 0.5}}));
  EXPECT_EQ(s["near_ties"], (Json{{"n", 2}, {"count", 1}, {"share", 0.5}}));
}

TEST(Summary, DescribesTheImagesThatHaveTheQuantity) {
  MseSummary summary(1);
  for (const Json& record : records_of_every_kind()) summary.add(record);
  const Json q = summary.to_json()["quantities"];
  EXPECT_EQ(q["found"]["n"], 2);
  EXPECT_EQ(q["found"]["mean"], 1);
  EXPECT_EQ(q["diverse"]["mean"], 1);
  EXPECT_EQ(q["min_size"]["n"], 1);
  EXPECT_EQ(q["min_size"]["mean"], 1);
  EXPECT_EQ(q["mean_mse_size"]["n"], 1);
  EXPECT_EQ(q["mean_mse_size"]["mean"], 1.5);
  EXPECT_EQ(q["keeps_top1"]["n"], 1);  // of one image, the mean over its two MSEs
  EXPECT_EQ(q["keeps_top1"]["mean"], 0.5);
  EXPECT_TRUE(q["mean_mse_size"]["standard_deviation"].is_null());
  EXPECT_DOUBLE_EQ(q["p_full"]["mean"], 0.7);
  EXPECT_DOUBLE_EQ(q["evaluations"]["median"], 754.5);
  EXPECT_DOUBLE_EQ(q["seconds"]["standard_deviation"], 1.5 / std::sqrt(2.0));
}

TEST(Summary, OfNoImagesIsNullsAndNoNumbersThatAreNot) {
  const Json s = MseSummary(1).to_json();
  EXPECT_EQ(s["images"], 0);
  EXPECT_TRUE(s["top1"]["share"].is_null());
  EXPECT_EQ(s["quantities"]["found"]["n"], 0);
  EXPECT_TRUE(s["quantities"]["found"]["mean"].is_null());
}

TEST(Summary, CsvHasALineAQuantity) {
  MseSummary summary(1);
  summary.add(ok_record());
  const auto csv = summary_csv(summary.to_json());
  EXPECT_EQ(
      csv.find("quantity,n,mean,median,standard_deviation,low,high\r\nfound,1,2.0,2.0,,2.0,2.0\r\ndiverse,"),
      0U)
      << csv;
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 9);
}

}  // namespace
}  // namespace xai
