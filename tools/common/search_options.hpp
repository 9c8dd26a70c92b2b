#pragma once

#include "common/app.hpp"
#include "common/options.hpp"
#include "xai/search/mse.hpp"

namespace xai::tools {

/// Everything that a search for MSEs over a data set depends on.
struct SearchOptions {
  AppOptions app;
  InputOptions input;
  TargetOptions target;
  PerturbationOptions perturbation;
  MseOptions mse;
  ComputeOptions compute;
  OutputOptions output;

  void add_to(CLI::App& app);
  void validate() const;
  /// Those that can change a record: they must be equal for a run to go on.
  Json identity() const;
  /// All of them, for run.json.
  Json resolved() const;
};

}  // namespace xai::tools
