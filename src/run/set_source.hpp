#pragma once

#include "evidence_source.hpp"
#include "xai/core/patch_set.hpp"
#include "xai/search/mse.hpp"

namespace xai {

/// The MSEs of all models, of finished runs of xai-mse. Of each image some are shown, beside two controls:
/// random sets of as many patches, and the model's sets of another image.
class SetSource : public EvidenceSource {
 public:
  /// Opens the runs of the option 'mses', one of each model. Throws UsageError where they do not fit the
  /// models or each other.
  explicit SetSource(const CrossSubject& subject);

  Json identity(Model model) const override;
  SourceEvidence evidence_of(Model source, std::size_t row, const std::string& content) const override;
  int size() const override { return search_.grid; }
  long masks(Model source, std::size_t row) const override;
  void invent(CrossPair& pair) const override;
  EvidenceHeadings headings() const override;
  std::optional<double> probability_shown(const Json& record) const override;

 private:
  /// Sets of an image that are shown to the models.
  struct Chosen {
    std::vector<int> indices;    ///< into the record's mses, ascending
    std::vector<PatchSet> sets;  ///< the smallest first
    int smallest = 0;            ///< so many have the fewest patches
  };

  /// Of a record of xai-mse; nothing where it is null or has no MSEs.
  Chosen chosen_of(const Json& record) const;
  std::vector<PatchSet> random_sets(const Chosen& chosen, std::size_t row) const;
  /// Of the next image of the data set, round and round, of which the model has MSEs; null without one.
  Json other_record(Model source, std::size_t row) const;

  const CrossSubject& subject_;
  std::vector<FinishedRun> runs_;  ///< of each model
  MseOptions search_;              ///< of all runs
};

}  // namespace xai
