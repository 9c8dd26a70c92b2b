#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cross_subject.hpp"
#include "model_pool.hpp"
#include "xai/store/finished_run.hpp"

namespace xai {

/// What a model looks at in an image.
struct SourceMap {
  std::optional<std::string> failure = {};  ///< why its map could not be made
  std::optional<int> target = {};           ///< class c, where known
  const char* problem = nullptr;            ///< why there is no test of it: "no-map", "map-target"
  std::vector<float> cells = {};            ///< of the map; empty without one

  bool usable() const { return !failure && !problem; }
};

/// The maps of all models: those of the runs that were given, and those that are made in the run folder.
class MapSource {
 public:
  using Model = CrossSubject::Model;

  /// Opens the runs of the option 'maps'. Throws UsageError where they do not fit the models or each other.
  explicit MapSource(const CrossSubject& subject);

  bool given(Model model) const { return maps_[model].has_value(); }
  /// An earlier session made the maps of a model that has no given run.
  bool made(Model model) const;
  /// Of the given run: the hash of its records; null for the others.
  Json identity(Model model) const;

  /// Makes the maps of the other models. Tells whether all are there: the observer may have said no.
  bool make_missing(ModelPool& pool, RunObserver& observer);

  /// Adds what making them would be to the plan of a dry run.
  void plan_missing(ModelPool& pool, RunObserver& observer, RunPlan& plan) const;

  /// The map of a photograph with this content. Throws DataError where its file is not what its record says,
  /// or is of another photograph.
  SourceMap map_of(Model model, const ImageEntry& image, const std::string& content) const;

 private:
  RunResult run_maps(Model model, ModelPool& pool, RunObserver& observer) const;

  const CrossSubject& subject_;
  std::vector<std::optional<FinishedRun>> maps_;
};

}  // namespace xai
