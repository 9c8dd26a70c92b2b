#pragma once

#include <vector>

#include "findings.hpp"

namespace xai::internal {

/// Which sets count as sub-explanations, and what it cost to know.
class CountedSets : public Ratios {
 public:
  CountedSets(Scorer& scorer, double threshold, int patches)
      : Ratios(scorer, Sufficient::ratio, threshold, patches) {}

  /// Evaluates different sets that were not given before, as one question.
  Task<void> evaluate(std::vector<PatchSet> sets) {
    const long before = scorer_.new_to_memo();
    co_await scorer_.probabilities(sets);
    evaluations_ += scorer_.new_to_memo() - before;
    asked_ += static_cast<long>(sets.size());
    for (const PatchSet& set : sets) note_decision(set);
  }
  /// An image without probability has no ratios, and no set of it counts.
  bool counts(const PatchSet& set) const { return p_full() > 0 && sufficient(set); }

  /// Sets that had to be evaluated, and sets that were known already, to this caller or another.
  long evaluations() const { return evaluations_; }
  long saved() const { return asked_ - evaluations_; }

 private:
  long evaluations_ = 0;
  long asked_ = 0;
};

/// Calls use(child) with each set that is one patch less and not empty, by ascending patch.
template <class Use>
void for_each_child(const PatchSet& set, const Use& use) {
  const auto patches = set.patches();
  if (patches.size() == 1) return;
  for (const int patch : patches) use(set.without(patch));
}

}  // namespace xai::internal
