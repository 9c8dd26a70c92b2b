#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "xai/core/json.hpp"
#include "xai/record/kinds.hpp"
#include "xai/record/saliency_record.hpp"
#include "xai/record/summary_parts.hpp"

namespace xai {

// What the tables of the paper show of a run (docs/output-format.md: summary.json, summary.csv). The unit is
// the image: each image with status "ok" gives one value to every quantity that it has.

/// Of xai-mse, or of a tool whose records extend those of xai-mse.
class MseSummary : public Summary {
 public:
  explicit MseSummary(std::uint64_t seed, const RunKind& kind = mse_kind());

  void add(const Json& record) override;
  Json to_json() const override;

 protected:
  std::uint64_t seed() const { return seed_; }

 private:
  void add_estimate(const Json& estimate);

  std::uint64_t seed_;
  ImageCounts images_;
  Quantities quantities_{"found",      "diverse", "min_size",    "mean_mse_size",
                         "keeps_top1", "p_full",  "evaluations", "seconds"};
  Quantities estimates_{"estimated_one_minimal", "log10_estimated_one_minimal", "estimated_mses",
                        "log10_estimated_mses"};  // written where records have them
  long estimated_ = 0;
  long trusted_ = 0;
  Counts certificates_;
  std::map<int, long> sizes_;
  long without_mse_ = 0;
  long diverse_exact_ = 0;
};

/// Of xai-saliency.
class SaliencySummary : public Summary {
 public:
  SaliencySummary(SaliencySetting setting, std::uint64_t seed);

  void add(const Json& record) override;
  Json to_json() const override;

 private:
  SaliencySetting setting_;
  std::uint64_t seed_;
  ImageCounts images_;
  Quantities quantities_{"insertion",        "deletion",    "insertion_minus_deletion",
                         "rank_correlation", "top_overlap", "p_full",
                         "p_baseline",       "forward",     "backward",
                         "iterations",       "seconds"};
  long undefined_ = 0;
};

/// summary.csv: the quantities of a summary, one a line.
std::string summary_csv(const Json& summary);

}  // namespace xai
