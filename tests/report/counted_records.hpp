#pragma once

#include <vector>

#include "records.hpp"
#include "xai/report/sub_explanation_record.hpp"

namespace xai {

/// Counts from two MSEs of which the second reaches more than the first; orders beyond 2^53.
inline CountedImage counted_image() {
  BigUnsigned many = std::uint64_t{1} << 60;
  const SubExplanationCount first{{1, 1}, {{1, {1, 1}}}, false};
  const SubExplanationCount second{{3, many}, {{1, {2, many}}, {2, {1, 1}}}, true};
  BigUnsigned all = many;
  all += 1;
  CountedImage counted;
  counted.counts.total = {{4, all}, {{1, {3, many}}, {2, {1, 1}}}, true};
  counted.counts.per_root = {first, second};
  counted.counts.evaluations = 20;
  counted.counts.saved = 5;
  counted.counts.near_ties = 3;
  return counted;
}

/// A record of xai-subexp for each kind of image: the counts are truncated and estimated, of none, or absent.
inline std::vector<Json> counted_records_of_every_kind() {
  SubExplanationOptions options;
  options.probes = 8;
  CountedImage full = counted_image();
  full.estimate = TreeEstimate{1e18, 2e17, 7, 6, 1};
  full.graph = "graphs/n01/a.JPEG.dot";
  std::vector<Json> records;
  for (const Json& record : records_of_every_kind()) {
    std::optional<CountedImage> counted;
    if (record["status"] == "ok") counted = record["mses"].empty() ? CountedImage() : full;
    Json mse = record;
    mse["picture"] = nullptr;
    records.push_back(sub_explanation_record(mse, options, counted));
  }
  return records;
}

}  // namespace xai
