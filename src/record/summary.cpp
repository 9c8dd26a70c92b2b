#include "xai/record/summary.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "xai/record/text_table.hpp"
#include "xai/store/csv.hpp"

namespace xai {

MseSummary::MseSummary(std::uint64_t seed, const RunKind& kind) : seed_(seed), images_(kind) {}

void MseSummary::add(const Json& record) {
  if (!images_.add(record)) return;
  diverse_exact_ += record["diverse_exact"] == true;
  const Json& mses = record["mses"];
  without_mse_ += mses.empty();
  long patches = 0;
  long keeping_top1 = 0;
  for (const Json& mse : mses) {
    const auto size = static_cast<int>(mse["patches"].size());
    patches += size;
    ++sizes_[size];
    ++certificates_[mse["certificate"]];
    keeping_top1 += mse["keeps_top1"] == true;
  }
  for (const char* field : {"found", "diverse", "min_size", "p_full", "evaluations", "seconds"})
    quantities_.add(field, record[field]);
  if (!mses.empty()) {
    const auto found = static_cast<double>(mses.size());
    quantities_.add("mean_mse_size", static_cast<double>(patches) / found);
    quantities_.add("keeps_top1", static_cast<double>(keeping_top1) / found);
  }
  if (record.contains("estimate") && record["estimate"].is_object()) add_estimate(record["estimate"]);
}

void MseSummary::add_estimate(const Json& estimate) {
  ++estimated_;
  trusted_ += estimate["trusted"] == true;
  for (const std::string count : {"one_minimal", "mses"}) {
    const Json& value = estimate[count]["value"];
    estimates_.add("estimated_" + count, value);
    if (value.is_number() && value.get<double>() > 0)
      estimates_.add("log10_estimated_" + count, std::log10(value.get<double>()));
  }
}

Json MseSummary::to_json() const {
  Json summary = images_.to_json();
  summary["without_mse"] = share(without_mse_, images_.ok());
  summary["diverse_exact"] = share(diverse_exact_, images_.ok());
  summary["certificates"] = certificates_;
  summary["mses_by_size"] = Json::object();
  for (const auto& [size, count] : sizes_) summary["mses_by_size"][std::to_string(size)] = count;
  quantities_.write_to(summary, seed_);
  if (estimated_ > 0) {
    summary["estimates_trusted"] = share(trusted_, estimated_);
    estimates_.write_to(summary, seed_);
  }
  return summary;
}

SaliencySummary::SaliencySummary(SaliencySetting setting, std::uint64_t seed)
    : setting_(std::move(setting)), seed_(seed), images_(saliency_kind()) {}

void SaliencySummary::add(const Json& record) {
  if (!images_.add(record)) return;
  undefined_ += !record["undefined"].is_null();
  for (const char* curve : {"insertion", "deletion"})
    quantities_.add(curve, record[curve].is_null() ? Json() : record[curve]["auc"]);
  if (!record["insertion"].is_null() && !record["deletion"].is_null())
    quantities_.add("insertion_minus_deletion",
                    record["insertion"]["auc"].get<double>() - record["deletion"]["auc"].get<double>());
  if (!record["repeats"].is_null())
    for (const char* field : {"rank_correlation", "top_overlap"})
      quantities_.add(field, record["repeats"][field]);
  for (const char* field : {"p_full", "p_baseline", "forward", "backward", "iterations", "seconds"})
    quantities_.add(field, record[field]);
}

Json SaliencySummary::to_json() const {
  Json summary = images_.to_json();
  summary["method"] = setting_.method;
  summary["size"] = setting_.size;
  summary["metric"] = name(setting_.metric);
  summary["undefined"] = share(undefined_, images_.ok());
  quantities_.write_to(summary, seed_);
  return summary;
}

std::string summary_csv(const Json& summary) {
  const std::vector<std::string> statistics = {"n", "mean", "median", "standard_deviation", "low", "high"};
  std::vector<std::string> header = {"quantity"};
  header.insert(header.end(), statistics.begin(), statistics.end());
  std::string text = csv_line(header);
  if (const Json partial = summary.value("partial", Json()); partial.is_object()) {
    std::vector<std::string> cells(header.size());
    cells[0] = cat("partial: shards ", partial["missing"].get<std::string>(), " of ", to_text(partial["of"]),
                   " are missing");
    cells[1] = to_text(partial["images"]);
    text += csv_line(cells);
  }
  for (const auto& [quantity, numbers] : summary["quantities"].items()) {
    std::vector<std::string> cells = {quantity};
    for (const std::string& statistic : statistics) cells.push_back(internal::csv_cell(numbers[statistic]));
    text += csv_line(cells);
  }
  return text;
}

}  // namespace xai
