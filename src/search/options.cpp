#include "xai/core/error.hpp"
#include "xai/search/mse.hpp"

namespace xai {

std::string_view name(SearchKind kind) {
  return kind == SearchKind::beam ? "beam" : "exhaustive";
}

std::string_view name(Reduce reduce) {
  return reduce == Reduce::greedy ? "greedy" : "all";
}

std::string_view name(StopReason reason) {
  switch (reason) {
    case StopReason::exhausted:
      return "exhausted";
    case StopReason::max_size:
      return "max-size";
    case StopReason::max_evaluations:
      return "max-evaluations";
  }
  throw UsageError(cat("no such stop reason: ", static_cast<int>(reason)));
}

std::string_view name(Certificate certificate) {
  return certificate == Certificate::all_subsets ? "all-subsets" : "single-removal";
}

void MseOptions::validate() const {
  require(grid >= 2 && grid <= 16, "grid is ", grid, ": must be within 2 to 16");
  require(search == SearchKind::beam || grid <= 4, "grid is ", grid, ": search 'exhaustive' needs at most 4");
  require(threshold > 0 && threshold <= 1, "threshold is ", threshold, ": must be above 0 and at most 1");
  require(beam_width >= 1, "beam width is ", beam_width, ": must be at least 1");
  require(extensions >= 0, "extensions is ", extensions, ": must be at least 0 (0: every hidden patch)");
  require(sweeps >= 0, "sweeps is ", sweeps, ": must be at least 0 (0: as many as the budget allows)");
  require(max_size >= 0, "max size is ", max_size, ": must be at least 0 (0: no bound)");
  require(max_evaluations >= 3, "max evaluations is ", max_evaluations, ": must be at least 3");
  require(max_overlap >= 0, "max overlap is ", max_overlap, ": must be at least 0");
}

}  // namespace xai
