#include "xai/report/summary.hpp"

#include <algorithm>

#include "xai/metrics/statistics.hpp"
#include "xai/report/csv.hpp"

namespace xai {
namespace {

constexpr auto statistic_names = {"n", "mean", "median", "standard_deviation", "low", "high"};

Json to_json(const Statistics& s) {
  return Json{{"n", s.n},
              {"mean", number_or_null(s.mean)},
              {"median", number_or_null(s.median)},
              {"standard_deviation", number_or_null(s.standard_deviation)},
              {"low", number_or_null(s.low)},
              {"high", number_or_null(s.high)}};
}

Json share(long count, long of) {
  return Json{{"n", of},
              {"count", count},
              {"share", of > 0 ? Json(static_cast<double>(count) / static_cast<double>(of)) : Json()}};
}

}  // namespace

MseSummary::MseSummary() {
  for (const char* status : {"ok", "skipped", "error", "baseline-sufficient"}) statuses_[status] = 0;
  for (const char* quantity :
       {"found", "diverse", "min_size", "mean_mse_size", "p_full", "evaluations", "seconds"})
    quantities_.emplace_back(quantity, std::vector<double>());
}

void MseSummary::add(const Json& record) {
  const std::string status = record["status"];
  ++images_;
  ++statuses_[status];
  if (status == "skipped") ++reasons_[record["reason"]];
  if (!record["label"].is_null() && !record["predicted"].is_null()) {
    ++labelled_;
    correct_ += record["label"] == record["predicted"];
  }
  if (status != "ok") return;

  ++stop_reasons_[record["stop_reason"]];
  near_ties_ += record["near_ties"] > 0;
  diverse_exact_ += record["diverse_exact"] == true;
  const Json& mses = record["mses"];
  without_mse_ += mses.empty();
  long patches = 0;
  for (const Json& mse : mses) {
    const auto size = static_cast<int>(mse["patches"].size());
    patches += size;
    ++sizes_[size];
    ++certificates_[mse["certificate"]];
  }
  for (auto& [quantity, values] : quantities_) {
    if (quantity != "mean_mse_size") {
      if (!record[quantity].is_null()) values.push_back(record[quantity]);
    } else if (!mses.empty()) {
      values.push_back(static_cast<double>(patches) / static_cast<double>(mses.size()));
    }
  }
}

Json MseSummary::to_json(std::uint64_t seed) const {
  const long ok = statuses_.at("ok");
  Json summary{{"schema_version", "1.0"},
               {"tool", "xai-mse"},
               {"images", images_},
               {"statuses", statuses_},
               {"skip_reasons", reasons_},
               {"stop_reasons", stop_reasons_},
               {"top1", share(correct_, labelled_)},
               {"without_mse", share(without_mse_, ok)},
               {"diverse_exact", share(diverse_exact_, ok)},
               {"near_ties", share(near_ties_, ok)},
               {"certificates", certificates_},
               {"mses_by_size", Json::object()},
               {"bootstrap", {{"resamples", 2000}, {"seed", seed}, {"interval", 0.95}}},
               {"quantities", Json::object()}};
  for (const auto& [size, count] : sizes_) summary["mses_by_size"][std::to_string(size)] = count;
  for (const auto& [quantity, values] : quantities_)
    summary["quantities"][quantity] = xai::to_json(describe(values, seed));
  return summary;
}

std::string summary_csv(const Json& summary) {
  std::vector<std::string> header = {"quantity"};
  header.insert(header.end(), statistic_names.begin(), statistic_names.end());
  std::string text = csv_line(header);
  for (const auto& [quantity, statistics] : summary["quantities"].items()) {
    std::vector<std::string> cells = {quantity};
    for (const char* statistic : statistic_names) {
      const Json& value = statistics[statistic];
      cells.push_back(value.is_null() ? "" : to_text(value));
    }
    text += csv_line(cells);
  }
  return text;
}

}  // namespace xai
