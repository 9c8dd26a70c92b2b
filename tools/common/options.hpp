#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "xai/core/json.hpp"
#include "xai/data/data_set.hpp"
#include "xai/engine/engine.hpp"
#include "xai/model/torchscript_classifier.hpp"
#include "xai/perturb/perturbation.hpp"

namespace xai::tools {

// Options that mean the same in every tool. resolved(): their values for run.json.

/// What is read.
struct InputOptions {
  std::filesystem::path model;
  DataSetOptions data;
  long max_pixels = 100'000'000;
  std::filesystem::path preprocess_dump;  ///< where to write what the model is shown; empty = nowhere

  void add_to(CLI::App& app);
  /// Those about images alone.
  void add_images_to(CLI::App& app);
  Json resolved() const;
};

/// The class whose probability is explained: the model's prediction, or the data set's label.
enum class Target { predicted, label };

std::string_view name(Target target);

/// What is explained of an image, and of which images.
struct TargetOptions {
  Target target = Target::predicted;
  bool only_correct = false;   ///< leave out images that the model gets wrong
  double min_probability = 0;  ///< leave out images whose target class has less

  void add_to(CLI::App& app);
  void validate() const;
  /// Throws UsageError where labels are needed and `data` has none.
  void check(const DataSet& data) const;
};

/// How images are hidden (SPEC 3).
struct PerturbationOptions {
  Baseline baseline = Baseline::blur;
  MaskKind mask = MaskKind::soft;

  void add_to(CLI::App& app);
};

/// On what, and how fast.
struct ComputeOptions {
  std::string device = "auto";
  Precision precision = Precision::fp32;
  std::string batch_size = "auto";
  std::string tune = "fast";
  int threads = 0;           ///< CPU lanes; 0 = all cores
  int images_in_flight = 0;  ///< 0 = enough to fill batches

  void add_to(CLI::App& app);

  Json resolved() const;
  int resolved_batch_size(const at::Device& on) const;
  /// Batch size, lanes and images in flight, resolved, on top of `options`.
  EngineOptions engine_options(EngineOptions options, const at::Device& on) const;
  /// Applies --threads and loads the model. `previous_tuning`: run.json's "tuning" of an earlier session, or
  /// null; the choice it holds is used again. `gradients`: they are wanted too.
  std::unique_ptr<TorchScriptClassifier> open(const std::filesystem::path& model, const Json& previous_tuning,
                                              bool gradients = false) const;
  /// run.json's "tuning" and "platform".
  Json tuning_record(const TorchScriptClassifier& classifier) const;
  Json platform_record(const at::Device& on) const;
};

/// Where results go.
struct OutputOptions {
  std::filesystem::path out;
  bool overwrite = false;
  std::uint64_t seed = 0;

  void add_to(CLI::App& app);
  Json resolved() const;
};

/// Throws UsageError "--flag is needed: ..." if `path` is empty.
void require_path(const std::filesystem::path& path, const char* flag, const char* what);

}  // namespace xai::tools
