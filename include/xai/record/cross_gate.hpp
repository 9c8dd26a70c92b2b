#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "xai/core/json.hpp"

namespace xai {

// The regression gate of xai-crosstest (SPEC 7): a baseline keeps what a run found, and a later run under
// equal conditions is held against it.

/// The baseline of a run (docs/schema/crosstest-baseline.schema.json). `conditions`: an object of all that
/// must be equal for runs to be compared.
Json gate_baseline(const Json& summary, const Json& conditions, const std::string& tool_version);

/// Reads what gate_baseline() gave, to be held against a run of these models under these conditions. Throws
/// UsageError where there is no such file or another one, and where conditions or models differ, naming the
/// first difference.
Json read_baseline(const std::filesystem::path& file, const Json& conditions,
                   const std::vector<std::string>& models);

struct GateReport {
  bool passed = true;
  std::string table;   ///< to read: what moved, how many values did not, the largest move, and changed models
  Json document = {};  ///< the same: passed, tolerance, values, moved, largest_move, other_weights
};

/// Holds a run against a baseline. What moved: a pair's mean AUC, a pair's share of images that are undefined
/// or a model's top-1 share that differs by more than `tolerance` (rounding of 1e-12 apart), or is there on
/// one side only. A model of other weights is said and no failure. Throws UsageError for a tolerance below 0.
GateReport compare(const Json& baseline, const Json& summary, double tolerance);

}  // namespace xai
