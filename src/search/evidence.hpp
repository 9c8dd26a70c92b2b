#pragma once

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>
#include <vector>

#include "xai/search/mse.hpp"

namespace xai::internal {

/// What a search knows about its image: the scorer's answers, read as sufficient or not, within the budget.
class Evidence {
 public:
  Evidence(Scorer& scorer, const MseOptions& options)
      : scorer_(scorer), threshold_(options.threshold), all_(PatchSet::all(options.grid * options.grid)) {}

  /// Evaluates the intact image and its baseline; everything below needs them.
  Task<void> open() {
    std::vector<PatchSet> ends(2);  // no braced list: g++ 12 refuses one inside co_await
    ends[0] = all_;
    co_await scorer_.probabilities(ends);
    p_full_ = p(all_);
    if (p_full_ > 0) note(PatchSet());
  }

  double p_full() const { return p_full_; }
  double p(const PatchSet& set) const { return scorer_.known(set); }
  double ratio(const PatchSet& set) const { return p(set) / p_full_; }
  bool knows(const PatchSet& set) const { return scorer_.knows(set); }
  bool sufficient(const PatchSet& set) const { return ratio(set) >= threshold_; }
  bool known_insufficient(const PatchSet& set) const { return knows(set) && !sufficient(set); }
  long evaluations() const { return scorer_.evaluations(); }
  long near_ties() const { return near_ties_; }
  /// Sets found sufficient, in the order of their questions.
  const std::vector<PatchSet>& sufficient_sets() const { return sufficient_sets_; }

  /// Evaluates the leading groups, each as a whole, that cost at most `budget` new evaluations together; one
  /// question to the scorer. Returns how many groups are now known.
  Task<std::size_t> evaluate(const std::vector<std::vector<PatchSet>>& groups, long budget) {
    std::unordered_set<PatchSet> unknown;
    std::vector<PatchSet> question;
    std::size_t answered = 0;
    for (const auto& group : groups) {
      const auto before = question.size();
      for (const PatchSet& set : group)
        if (!knows(set) && unknown.insert(set).second) question.push_back(set);
      if (static_cast<long>(question.size()) > budget) {
        question.resize(before);
        break;
      }
      ++answered;
    }
    if (!question.empty()) co_await scorer_.probabilities(question);
    for (const PatchSet& set : question) note(set);
    co_return answered;
  }

  /// The order of SPEC 4 among sets that are known: larger p first, then the smaller bit set.
  bool before(const PatchSet& a, const PatchSet& b) const {
    const double pa = p(a);
    const double pb = p(b);
    return pa != pb ? pa > pb : a < b;
  }

  /// To be called for each choice of `taken` before `left`: counts those that float noise could turn.
  void note_choice(const PatchSet& taken, const PatchSet& left) {
    const double a = p(taken);
    const double b = p(left);
    if (std::abs(a - b) < 1e-5 * std::max(a, b)) ++near_ties_;
  }

 private:
  void note(const PatchSet& set) {
    if (std::abs(ratio(set) - threshold_) < 1e-4) ++near_ties_;
    if (sufficient(set)) sufficient_sets_.push_back(set);
  }

  Scorer& scorer_;
  double threshold_;
  PatchSet all_;
  double p_full_ = 0;
  long near_ties_ = 0;
  std::vector<PatchSet> sufficient_sets_;
};

}  // namespace xai::internal
