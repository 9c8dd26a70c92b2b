#pragma once

#include <set>
#include <unordered_set>
#include <vector>

#include "evidence.hpp"

namespace xai::internal {

/// The beam search of SPEC 4, with reduction and certification, for one image.
class BeamSearch {
 public:
  BeamSearch(Evidence& evidence, const MseOptions& options)
      : evidence_(evidence), options_(options), patches_(options.grid * options.grid) {}

  Task<StopReason> run();
  /// 1-minimal sets without a known sufficient proper subset.
  std::vector<PatchSet> minimal() const { return {minimal_.begin(), minimal_.end()}; }

 private:
  long remaining() const { return options_.max_evaluations - evidence_.evaluations(); }
  Task<void> order_patches();
  Task<std::vector<PatchSet>> next_level();
  std::vector<PatchSet> extensions_of(const PatchSet& state) const;

  Task<void> reduce(std::vector<PatchSet> candidates);
  void enqueue(const PatchSet& set, std::vector<PatchSet>& queue);
  std::vector<PatchSet> below(const PatchSet& set);

  Task<void> certify();
  std::vector<PatchSet> replacements();

  Evidence& evidence_;
  const MseOptions& options_;
  int patches_;
  std::vector<int> order_;                // all patches, the most promising first
  std::vector<PatchSet> beam_;            // insufficient sets of one size
  std::unordered_set<PatchSet> reduced_;  // sets whose reduction has begun
  std::set<PatchSet> minimal_;
  long spent_on_certificates_ = 0;
  bool out_of_budget_ = false;
};

}  // namespace xai::internal
