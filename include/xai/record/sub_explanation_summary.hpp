#pragma once

#include <cstdint>

#include "xai/record/summary.hpp"

namespace xai {

/// Of xai-subexp: what MseSummary says of its records, and of their sub-explanations. Images whose counts are
/// lower bounds (`truncated`) are kept apart from the others.
class SubExplanationSummary : public MseSummary {
 public:
  explicit SubExplanationSummary(std::uint64_t seed) : MseSummary(seed, subexp_kind()) {}

  void add(const Json& record) override;
  Json to_json() const override;

 private:
  long counted_ = 0;
  long without_ = 0;
  long truncated_ = 0;
  Quantities quantities_{"distinct",
                         "tree_nodes",
                         "log10_tree_nodes",
                         "distinct_per_mse",
                         "tree_nodes_per_mse",
                         "log10_tree_nodes_per_mse",
                         "truncated_distinct",
                         "truncated_tree_nodes",
                         "truncated_log10_tree_nodes",
                         "truncated_distinct_per_mse",
                         "truncated_tree_nodes_per_mse",
                         "truncated_log10_tree_nodes_per_mse",
                         "estimated_tree_nodes",
                         "estimated_log10_tree_nodes",
                         "sub_evaluations",
                         "saved"};
};

}  // namespace xai
