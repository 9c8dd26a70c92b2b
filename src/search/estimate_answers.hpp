#pragma once

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include "findings.hpp"

namespace xai::internal {

/// What an estimate knows: the answers that the search before it got, and its own, which it pays for.
class Answers : public Ratios {
 public:
  using Ratios::Ratios;

  /// Evaluates sets as one question. Each counts once, whoever asked for it before.
  Task<void> ask(std::vector<PatchSet> sets) {
    std::erase_if(sets, [&](const PatchSet& set) { return !asked_.insert(set).second; });
    if (sets.empty()) co_return;
    co_await scorer_.probabilities(sets);
    for (const PatchSet& set : sets) note_decision(set);
    fresh_.insert(fresh_.end(), sets.begin(), sets.end());
  }

  bool known_sufficient(const PatchSet& set) const { return knows(set) && sufficient(set); }
  long spent() const { return static_cast<long>(asked_.size()); }

  /// The sets that are known and that no earlier call gave; at first, all that the search asked for.
  std::vector<PatchSet> take_fresh() {
    if (!std::exchange(searched_taken_, true)) {
      fresh_.clear();
      for (const auto& [set, score] : scorer_.asked()) fresh_.push_back(set);
      std::sort(fresh_.begin(), fresh_.end());  // the order of a hash table is nobody's promise
    }
    return std::exchange(fresh_, {});
  }

 private:
  std::unordered_set<PatchSet> asked_;
  std::vector<PatchSet> fresh_;
  bool searched_taken_ = false;
};

}  // namespace xai::internal
