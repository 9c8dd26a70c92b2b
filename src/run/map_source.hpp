#pragma once

#include "evidence_source.hpp"

namespace xai {

/// The maps of all models, revealed in order of their cells: those of the runs that were given, and those
/// that are made in the run folder.
class MapSource : public EvidenceSource {
 public:
  /// Opens the runs of the option 'maps'. Throws UsageError where they do not fit the models or each other.
  explicit MapSource(const CrossSubject& subject);

  Json identity(Model model) const override;
  ClassifierOptions needs(Model model) const override;
  bool make_missing(ModelPool& pool, RunObserver& observer) override;
  void plan_missing(ModelPool& pool, RunObserver& observer, RunPlan& plan) const override;
  SourceEvidence evidence_of(Model source, std::size_t row, const std::string& content) const override;
  int size() const override;
  long masks(Model source, std::size_t row) const override;
  void invent(CrossPair& pair) const override;
  EvidenceHeadings headings() const override;
  std::optional<double> probability_shown(const Json& record) const override;

 private:
  int cells() const { return size() * size(); }
  /// An earlier session made the maps of a model that has no given run.
  bool made(Model model) const;
  RunResult run_maps(Model model, ModelPool& pool, RunObserver& observer) const;
  /// How many cells are shown at each point of a curve.
  std::vector<int> counts() const;
  /// The point of the curves that pictures show.
  std::size_t drawn_point() const;

  const CrossSubject& subject_;
  std::vector<std::optional<FinishedRun>> maps_;
};

}  // namespace xai
