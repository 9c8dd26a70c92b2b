#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "xai/report/json.hpp"

namespace xai {

/// What the tables of the paper show of a run of xai-mse (docs/output-format.md: summary.json, summary.csv).
/// The unit is the image: each image with status "ok" gives one value to every quantity that it has.
class MseSummary {
 public:
  MseSummary();

  /// Takes in one record of results.jsonl.
  void add(const Json& record);

  /// summary.json. The intervals depend on `seed` and on the order of the records.
  Json to_json(std::uint64_t seed) const;

 private:
  using Counts = std::map<std::string, long>;

  long images_ = 0;
  Counts statuses_;
  Counts reasons_;
  Counts stop_reasons_;
  Counts certificates_;
  std::map<int, long> sizes_;
  long labelled_ = 0;
  long correct_ = 0;
  long without_mse_ = 0;
  long diverse_exact_ = 0;
  long near_ties_ = 0;
  std::vector<std::pair<std::string, std::vector<double>>> quantities_;
};

/// summary.csv: the quantities of a summary, one a line.
std::string summary_csv(const Json& summary);

}  // namespace xai
