#pragma once

#include <filesystem>
#include <optional>

#include "xai/core/json.hpp"
#include "xai/run/plan.hpp"

namespace xai {

/// How a run ended, and what came out.
struct RunResult {
  bool complete = false;         ///< everything is done; false: the observer stopped it, run again to go on
  long errors = 0;               ///< images (or pairs) that could not be analysed: their records say why
  Json summary = {};             ///< summary.json of a complete run, else null
  std::filesystem::path folder;  ///< where all files are
  std::optional<RunPlan> plan = {};  ///< of a dry run, which has no summary
};

}  // namespace xai
