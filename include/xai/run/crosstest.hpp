#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "xai/record/cross_gate.hpp"
#include "xai/record/cross_summary.hpp"
#include "xai/run/saliency.hpp"

namespace xai {

/// Every option of run_crosstest().
struct CrosstestRunOptions {
  std::vector<std::filesystem::path> models;
  InputOptions input;     ///< but for the model
  long cross_images = 0;  ///< so many of the images are cross-tested, evenly_spread(); 0 = all
  std::vector<std::filesystem::path> mses;  ///< finished runs of xai-mse: their sets are shown, and no map
  long sets = 32;                           ///< of each image and model at most
  std::vector<std::filesystem::path> maps;  ///< finished runs of xai-saliency
  PerturbationOptions perturbation;
  MapOptions making;  ///< of the maps of models without such a run
  CurveOptions curve;
  ImagesRule images = ImagesRule::common;
  std::filesystem::path compare;  ///< a baseline; empty = none
  double tolerance = 0.02;
  std::filesystem::path write_baseline;  ///< empty = none
  ComputeOptions compute;
  int models_in_memory = 0;  ///< 0 = all
  OutputOptions output;
  long pictures = 3;   ///< of the first so many cross-tested images; -1 = all
  double reveal = 20;  ///< percent of the cells that pictures show

  bool shows_sets() const { return !mses.empty(); }
  void validate() const;
};

void describe(OptionTable& table, CrosstestRunOptions& options);

struct CrosstestResult : RunResult {
  long unknown_images = 0;         ///< images without a prediction of every model; they are errors, too
  std::optional<GateReport> gate;  ///< of a complete run that was to be compared
};

/// Shows every model what each model looks at (SPEC 7): maps from each model, or its MSEs; then the
/// predictions of all on all images and what they say of the evidence in the cross-tested ones, matrices,
/// ensembles and the regression gate. Memory hardly depends on the number of images: predictions are on disk.
/// Throws as run_mse() does.
CrosstestResult run_crosstest(const CrosstestRunOptions& options, RunObserver& observer,
                              const OpenModel& open = default_models());

}  // namespace xai
