#include "xai/record/sub_explanation_summary.hpp"

#include <cstdlib>

namespace xai {
namespace {

/// A count that may be written as a string; null where it is beyond the largest double.
Json as_double(const Json& count) {
  return count.is_string() ? number_or_null(std::strtod(count.get<std::string>().c_str(), nullptr)) : count;
}

long spent(const Json& counted, const char* what) {
  const Json& estimate = counted["estimate"];
  return counted[what].get<long>() + (estimate.is_null() ? 0 : estimate[what].get<long>());
}

}  // namespace

void SubExplanationSummary::add(const Json& record) {
  MseSummary::add(record);
  const Json& counted = record["sub_explanations"];
  if (counted.is_null()) return;
  ++counted_;
  without_ += counted["distinct"] == 0;
  const bool truncated = counted["truncated"];
  truncated_ += truncated;
  const std::string prefix = truncated ? "truncated_" : "";
  for (const std::string field : {"distinct", "tree_nodes", "log10_tree_nodes"}) {
    quantities_.add(prefix + field, as_double(counted[field]));
    if (!counted["per_mse"].is_null())
      quantities_.add(prefix + field + "_per_mse", counted["per_mse"][field]);
  }
  if (const Json& estimate = counted["estimate"]; !estimate.is_null())
    for (const std::string field : {"tree_nodes", "log10_tree_nodes"})
      quantities_.add("estimated_" + field, estimate[field]);
  quantities_.add("sub_evaluations", spent(counted, "evaluations"));
  quantities_.add("saved", spent(counted, "saved"));
}

Json SubExplanationSummary::to_json() const {
  Json summary = MseSummary::to_json();
  summary["without_sub_explanations"] = share(without_, counted_);
  summary["truncated"] = share(truncated_, counted_);
  Json counted = Json::object();
  quantities_.write_to(counted, seed());
  summary["quantities"].update(counted["quantities"]);
  return summary;
}

}  // namespace xai
