#include "xai/record/sub_explanation_record.hpp"

#include <cmath>

namespace xai {
namespace {

constexpr std::uint64_t largest_exact = std::uint64_t{1} << 53;  // that every JSON reader takes exactly

Json exact(const BigUnsigned& count) {
  return count.saturated() <= largest_exact ? Json(count.saturated()) : Json(count.to_string());
}

Json log10_or_null(const BigUnsigned& count) {
  return count.is_zero() ? Json() : Json(count.log10());
}

Json to_json(const SubExplanationCount& count) {
  Json json{{"distinct", count.all.distinct},
            {"tree_nodes", exact(count.all.tree_nodes)},
            {"log10_tree_nodes", log10_or_null(count.all.tree_nodes)},
            {"truncated", count.truncated},
            {"by_size", Json::object()}};
  for (const auto& [size, sets] : count.by_size)
    json["by_size"][std::to_string(size)] = {{"distinct", sets.distinct},
                                             {"tree_nodes", exact(sets.tree_nodes)}};
  return json;
}

/// Means over the MSEs of what is counted from each of them alone.
Json per_mse(const SubExplanations& counts) {
  if (counts.per_root.empty()) return Json();
  const auto mses = static_cast<double>(counts.per_root.size());
  long distinct = 0;
  for (const SubExplanationCount& root : counts.per_root) distinct += root.all.distinct;
  const BigUnsigned& orders = counts.total.all.tree_nodes;
  return Json{{"distinct", static_cast<double>(distinct) / mses},
              {"tree_nodes", number_or_null(orders.to_double() / mses)},
              {"log10_tree_nodes", orders.is_zero() ? Json() : Json(orders.log10() - std::log10(mses))}};
}

Json to_json(const TreeEstimate& estimate, int probes) {
  return Json{{"tree_nodes", number_or_null(estimate.tree_nodes)},
              {"standard_error", number_or_null(estimate.standard_error)},
              {"log10_tree_nodes", number_or_null(std::log10(estimate.tree_nodes))},
              {"probes", probes},
              {"evaluations", estimate.evaluations},
              {"saved", estimate.saved}};
}

}  // namespace

Json sub_explanation_record(Json record, const SubExplanationOptions& options,
                            const std::optional<CountedImage>& counted) {
  record["sub_explanations"] = nullptr;
  record["graph"] = nullptr;
  if (!counted) return record;

  const SubExplanations& counts = counted->counts;
  for (std::size_t i = 0; i < counts.per_root.size(); ++i)
    record["mses"][i]["sub_explanations"] = to_json(counts.per_root[i]);
  Json all = to_json(counts.total);
  all["node_threshold"] = options.node_threshold;
  all["per_mse"] = per_mse(counts);
  all["evaluations"] = counts.evaluations;
  all["saved"] = counts.saved;
  all["estimate"] = counted->estimate ? to_json(*counted->estimate, options.probes) : Json();
  record["sub_explanations"] = all;
  record["near_ties"] = record["near_ties"].get<long>() + counts.near_ties +
                        (counted->estimate ? counted->estimate->near_ties : 0);
  if (!counted->graph.empty()) record["graph"] = counted->graph;
  return record;
}

}  // namespace xai
