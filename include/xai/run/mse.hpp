#pragma once

#include "xai/run/compute.hpp"
#include "xai/run/observer.hpp"
#include "xai/run/options.hpp"
#include "xai/run/result.hpp"
#include "xai/search/estimate.hpp"
#include "xai/search/mse.hpp"

namespace xai {

/// Everything that a search for MSEs over a data set depends on.
struct SearchRunOptions : ImageRunOptions {
  MseOptions mse;

  /// Throws UsageError naming the option, its value and the bound.
  void validate() const;
};

void describe(OptionTable& table, SearchRunOptions& options);

/// What the model is shown of one image, at most.
ModelRows most_rows(const SearchRunOptions& options);

/// Every option of run_mse().
struct MseRunOptions : SearchRunOptions {
  long pictures = 20;        ///< of the first so many images of the whole list; -1 = all
  bool save_scores = false;  ///< also scores/<image>.npy: every evaluated set and its probability
  EstimateOptions estimate;  ///< of the true number of MSEs; grid and threshold are the search's

  void validate() const;
};

void describe(OptionTable& table, MseRunOptions& options);

/// Finds the minimal sufficient explanations of every image of a data set (SPEC 4) that the run folder does
/// not have yet, and writes the run (docs/output-format.md). Throws UsageError, ModelError, DataError or
/// IoError; what was finished before is saved.
RunResult run_mse(const MseRunOptions& options, RunObserver& observer,
                  const OpenModel& open = default_models());

}  // namespace xai
