#pragma once

#include <string_view>

#include "xai/metrics/curve.hpp"
#include "xai/run/compute.hpp"
#include "xai/run/observer.hpp"
#include "xai/run/options.hpp"
#include "xai/run/result.hpp"
#include "xai/saliency/igos.hpp"
#include "xai/saliency/rise.hpp"

namespace xai {

/// How a map is made.
enum class SaliencyMethod { igos_plus_plus, igos_plus, igos, gradcam, rise };
template <>
inline constexpr auto names_of<SaliencyMethod> =
    std::to_array<Named<SaliencyMethod>>({{SaliencyMethod::igos_plus_plus, name(IgosMethod::igos_plus_plus)},
                                          {SaliencyMethod::igos_plus, name(IgosMethod::igos_plus)},
                                          {SaliencyMethod::igos, name(IgosMethod::igos)},
                                          {SaliencyMethod::gradcam, "gradcam"},
                                          {SaliencyMethod::rise, "rise"}});

/// Constants of the iGOS family: our own, or those of the public code.
enum class Preset { fast, reference };
template <>
inline constexpr auto names_of<Preset> = std::to_array<Named<Preset>>({{Preset::fast, "fast"},
                                                                       {Preset::reference, "reference"}});

/// How maps are made.
struct MapOptions {
  SaliencyMethod method = SaliencyMethod::igos_plus_plus;
  int size = 28;                 ///< s: maps have s x s cells
  Preset preset = Preset::fast;  ///< that `igos` started from: use()
  IgosOptions igos;              ///< but for method and size
  RiseOptions rise;              ///< but for the size

  /// Takes the constants of a preset.
  void use(Preset preset);
  /// The method optimises masks, and needs gradients of the model.
  bool optimises() const;
  IgosOptions resolved_igos() const;
  RiseOptions resolved_rise() const;

  /// Throws UsageError naming the option, its value and the bound.
  void validate() const;
  /// Throws UsageError where maps of this size are too fine for the model.
  void check(const ModelCard& card) const;
};

void describe(OptionTable& table, MapOptions& options);
/// Its two parts: which maps, and the constants of the methods that have any.
void describe_method(OptionTable& table, MapOptions& options);
void describe_constants(OptionTable& table, MapOptions& options);

/// Gives those constants of `table`, a described MapOptions, that were not set, the values of its preset.
void use_preset(OptionTable& table, Preset preset);

/// Every option of run_saliency().
struct SaliencyRunOptions : ImageRunOptions {
  MapOptions maps;
  CurveOptions curve;
  int repeats = 1;     ///< maps of an image, each of other random numbers; the scores are the first one's
  long pictures = 20;  ///< of the first so many images of the whole list; -1 = all

  void validate() const;
};

void describe(OptionTable& table, SaliencyRunOptions& options);

/// What the model is shown of one image, at most.
ModelRows most_rows(const SaliencyRunOptions& options);

/// Makes the saliency map of every image of a data set (SPEC 6), with its insertion and deletion scores, that
/// the run folder does not have yet. Throws as run_mse() does.
RunResult run_saliency(const SaliencyRunOptions& options, RunObserver& observer,
                       const OpenModel& open = default_models());

}  // namespace xai
