#include "xai/record/summary_parts.hpp"

#include <algorithm>

#include "xai/core/error.hpp"
#include "xai/store/schema.hpp"

namespace xai {

Json bootstrap(std::uint64_t seed) {
  return {{"resamples", 2000}, {"seed", seed}, {"interval", 0.95}};
}

Json share(long count, long of) {
  return Json{{"n", of},
              {"count", count},
              {"share", of > 0 ? Json(static_cast<double>(count) / static_cast<double>(of)) : Json()}};
}

Json to_json(const Statistics& s) {
  return Json{{"n", s.n},
              {"mean", number_or_null(s.mean)},
              {"median", number_or_null(s.median)},
              {"standard_deviation", number_or_null(s.standard_deviation)},
              {"low", number_or_null(s.low)},
              {"high", number_or_null(s.high)}};
}

ImageCounts::ImageCounts(const RunKind& kind) : kind_(kind) {
  for (const std::string& status : kind.statuses) statuses_[status] = 0;
}

bool ImageCounts::add(const Json& record) {
  const std::string status = record["status"];
  ++images_;
  ++statuses_[status];
  if (status == "skipped") ++skip_reasons_[record["reason"]];
  if (!record["label"].is_null() && !record["predicted"].is_null()) {
    ++labelled_;
    correct_ += record["label"] == record["predicted"];
  }
  if (status != "ok") return false;

  if (const Json why = record.value("stop_reason", Json()); why.is_string()) ++stop_reasons_[why];
  near_ties_ += record.value("near_ties", 0L) > 0;
  return true;
}

Json ImageCounts::to_json() const {
  return Json{{"schema_version", schema_version},
              {"tool", kind_.tool},
              {"images", images_},
              {"statuses", statuses_},
              {"skip_reasons", skip_reasons_},
              {"stop_reasons", stop_reasons_},
              {"top1", share(correct_, labelled_)},
              {"near_ties", share(near_ties_, ok())}};
}

Quantities::Quantities(std::initializer_list<const char*> names) {
  for (const char* name : names) values_.emplace_back(name, std::vector<double>());
}

void Quantities::add(std::string_view name, const Json& value) {
  const auto quantity = std::find_if(values_.begin(), values_.end(),
                                     [&](const auto& candidate) { return candidate.first == name; });
  require<Error>(quantity != values_.end(), "no quantity ", name, " in this summary");
  if (!value.is_null()) quantity->second.push_back(value);
}

void Quantities::write_to(Json& summary, std::uint64_t seed) const {
  summary["bootstrap"] = bootstrap(seed);
  if (!summary.contains("quantities")) summary["quantities"] = Json::object();
  std::vector<std::vector<double>> values;
  for (const auto& [name, of_quantity] : values_) values.push_back(of_quantity);
  const std::vector<Statistics> statistics = describe_all(values, seed);
  for (std::size_t i = 0; i < values_.size(); ++i)
    summary["quantities"][values_[i].first] = xai::to_json(statistics[i]);
}

}  // namespace xai
