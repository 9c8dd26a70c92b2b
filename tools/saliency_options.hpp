#pragma once

#include <functional>
#include <vector>

#include "common/app.hpp"
#include "common/options.hpp"
#include "xai/metrics/curve.hpp"
#include "xai/saliency/igos.hpp"
#include "xai/saliency/rise.hpp"

namespace xai::tools {

/// How a map is made.
enum class SaliencyMethod { igos_plus_plus, igos_plus, igos, gradcam, rise };

/// Constants of the iGOS family: those of the public code, or our own.
enum class Preset { fast, reference };

std::string_view name(SaliencyMethod method);
std::string_view name(Preset preset);

/// How maps are made.
struct MapOptions {
  SaliencyMethod method = SaliencyMethod::igos_plus_plus;
  Preset preset = Preset::fast;
  IgosOptions igos;  ///< its size is that of every method's maps
  RiseOptions rise;

  void add_to(CLI::App& app);
  void validate() const;
  /// Throws UsageError where maps of this size are too fine for the model.
  void check(const ModelCard& card) const;
  /// Whether the method optimises masks, and needs gradients of the model.
  bool optimises() const;
  /// Those that the method has.
  Json identity() const;

 private:
  void add_igos_to(CLI::App& app);
  /// When the command line has been parsed: constants that it does not name become the preset's.
  void resolve();

  std::vector<std::function<void(const IgosOptions& preset)>> unless_given_;
};

/// Every option of xai-saliency.
struct SaliencyToolOptions : MapOptions {
  AppOptions app;
  InputOptions input;
  TargetOptions target;
  PerturbationOptions perturbation;
  CurveOptions curve;
  ComputeOptions compute;
  OutputOptions output;
  long pictures = -1;

  void add_to(CLI::App& app);
  void validate() const;
  /// Those that can change a record: they must be equal for a run to go on.
  Json identity() const;
  /// All of them, for run.json.
  Json resolved() const;
};

}  // namespace xai::tools
