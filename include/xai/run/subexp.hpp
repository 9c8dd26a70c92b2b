#pragma once

#include <string>
#include <vector>

#include "xai/run/mse.hpp"
#include "xai/search/sub_explanations.hpp"
#include "xai/store/finished_run.hpp"

namespace xai {

/// Every option of run_subexp().
struct SubexpRunOptions : SearchRunOptions {
  std::filesystem::path mses;             ///< a finished run of xai-mse to count from; empty = search
  SubExplanationOptions counting;         ///< but for the grid, which is that of the search
  long graphs = 0;                        ///< of the first so many images; -1 = all
  std::vector<std::string> graph_images;  ///< and of these
  int graph_max_nodes = 24;

  void validate() const;
};

void describe(OptionTable& table, SubexpRunOptions& options);

/// What the model is shown of one image, at most; how much less it is depends on the MSEs.
ModelRows most_rows(const SubexpRunOptions& options);

/// Gives the options of `table`, a described SubexpRunOptions, that decide which MSEs are found, and that
/// were not set, the values of the run that found them.
void adopt(OptionTable& table, const FinishedRun& mses);

/// Counts the sub-explanations of every image of a data set (SPEC 5), from the MSEs of an earlier run or from
/// ones searched in the same pass. Throws as run_mse() does, and UsageError where the earlier run is of other
/// images, another model or other options.
RunResult run_subexp(const SubexpRunOptions& options, RunObserver& observer,
                     const OpenModel& open = default_models());

}  // namespace xai
