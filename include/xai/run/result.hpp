#pragma once

#include <filesystem>

#include "xai/core/json.hpp"

namespace xai {

/// How a run ended, and what came out.
struct RunResult {
  bool complete = false;         ///< everything is done; false: the observer stopped it, run again to go on
  long errors = 0;               ///< images (or pairs) that could not be analysed: their records say why
  Json summary;                  ///< summary.json of a complete run, else null
  std::filesystem::path folder;  ///< where all files are
};

}  // namespace xai
