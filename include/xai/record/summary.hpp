#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "xai/core/json.hpp"
#include "xai/record/saliency_record.hpp"
#include "xai/record/summary_parts.hpp"

namespace xai {

// What the tables of the paper show of a run (docs/output-format.md: summary.json, summary.csv). The unit is
// the image: each image with status "ok" gives one value to every quantity that it has.
// add() takes in one record of results.jsonl; to_json() is summary.json, whose intervals depend on `seed` and
// on the order of the records.

/// Of xai-mse.
class MseSummary {
 public:
  void add(const Json& record);
  Json to_json(std::uint64_t seed) const;

 private:
  ImageCounts images_{"xai-mse", {"ok", "skipped", "error", "baseline-sufficient"}};
  Quantities quantities_{"found", "diverse", "min_size", "mean_mse_size", "p_full", "evaluations", "seconds"};
  Counts certificates_;
  std::map<int, long> sizes_;
  long without_mse_ = 0;
  long diverse_exact_ = 0;
};

/// Of xai-saliency.
class SaliencySummary {
 public:
  explicit SaliencySummary(const SaliencySetting& setting);

  void add(const Json& record);
  Json to_json(std::uint64_t seed) const;

 private:
  SaliencySetting setting_;
  ImageCounts images_{"xai-saliency", {"ok", "skipped", "error"}};
  Quantities quantities_{"insertion", "deletion", "p_full",     "p_baseline",
                         "forward",   "backward", "iterations", "seconds"};
  long undefined_ = 0;
};

/// summary.csv: the quantities of a summary, one a line.
std::string summary_csv(const Json& summary);

}  // namespace xai
