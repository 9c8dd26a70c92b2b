#pragma once

#include "common/app.hpp"
#include "common/options.hpp"
#include "xai/search/mse.hpp"

namespace xai::tools {

/// The class whose probability is explained: the model's prediction, or the data set's label.
enum class Target { predicted, label };

std::string_view name(Target target);

/// Every option of xai-mse.
struct MseToolOptions {
  AppOptions app;
  InputOptions input;
  PerturbationOptions perturbation;
  MseOptions mse;
  ComputeOptions compute;
  OutputOptions output;
  Target target = Target::predicted;
  bool only_correct = false;
  double min_probability = 0;
  long pictures = -1;
  std::filesystem::path preprocess_dump;

  void add_to(CLI::App& app);
  void validate() const;
  /// Those that can change a record: they must be equal for a run to go on.
  Json identity() const;
  /// All of them, for run.json.
  Json resolved() const;
};

}  // namespace xai::tools
