#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_set>
#include <vector>

#include "xai/core/error.hpp"
#include "xai/search/mse.hpp"

namespace xai::internal {

/// How many patches a search has: `patches`, or grid * grid where that is 0. Throws UsageError out of range.
inline int patch_count(int grid, int patches) {
  require(patches >= 0 && patches <= PatchSet::capacity, "a search takes 1 to ", PatchSet::capacity,
          " patches, not ", patches);
  return patches > 0 ? patches : grid * grid;
}

/// The scorer's answers, and which sets they make sufficient.
class Ratios {
 public:
  Ratios(Scorer& scorer, Sufficient sense, double threshold, int patches)
      : scorer_(scorer), sense_(sense), threshold_(threshold), all_(PatchSet::all(patches)) {}

  /// Evaluates the intact image, which every ratio needs.
  Task<void> open() {
    const std::vector<PatchSet> intact(1, all_);  // no braced list: g++ 12 refuses one inside co_await
    co_await scorer_.probabilities(intact);
    p_full_ = p(all_);
    require(sense_ == Sufficient::ratio || keeps_top1(all_).has_value(), "'sufficient' ", name(sense_),
            " needs a scorer that also gives the largest probability of another class");
  }

  bool knows(const PatchSet& set) const { return scorer_.knows(set); }
  double p_full() const { return p_full_; }
  double p(const PatchSet& set) const { return scorer_.known(set); }
  double ratio(const PatchSet& set) const { return p(set) / p_full_; }
  /// Finite for p = 0 too.
  double log_p(const PatchSet& set) const { return std::log(std::max(p(set), 1e-12)); }
  /// The explained class has the largest p; nothing where no rival is known.
  std::optional<bool> keeps_top1(const PatchSet& set) const {
    const Score& score = scorer_.score(set);
    return std::isnan(score.rival) ? std::nullopt : std::optional(score.p >= score.rival);
  }
  bool sufficient(const PatchSet& set) const {
    return (sense_ == Sufficient::top1 || ratio(set) >= threshold_) &&
           (sense_ == Sufficient::ratio || keeps_top1(set).value());
  }
  /// Larger p first, then the smaller bit set (SPEC 4).
  bool before(const PatchSet& a, const PatchSet& b) const { return p(a) != p(b) ? p(a) > p(b) : a < b; }

  long near_ties() const { return near_ties_; }
  /// To be told of every set that is judged sufficient or not.
  void note_decision(const PatchSet& set) {
    const bool ratio_is_near = sense_ != Sufficient::top1 && std::abs(ratio(set) - threshold_) < 1e-4;
    if (ratio_is_near || (sense_ != Sufficient::ratio && rival_is_near(set))) ++near_ties_;
  }
  /// To be told of every set that is reported; after note_decision().
  void note_report(const PatchSet& set) {
    if (sense_ == Sufficient::ratio && rival_is_near(set)) ++near_ties_;
  }
  /// To be told the log p (or sums of them) of a choice and of the best that was passed over: counts the
  /// choices that float noise could turn.
  void note_choice(double taken, double left) {
    if (std::abs(taken - left) < 1e-5) ++near_ties_;
  }

 protected:
  Scorer& scorer_;

 private:
  /// The logits of the class and its rival differ by less than 1e-4.
  bool rival_is_near(const PatchSet& set) const {
    const auto [p, rival] = scorer_.score(set);
    return std::abs(p - rival) < 1e-4 * std::max(p, rival);
  }

  Sufficient sense_;
  double threshold_;
  PatchSet all_;
  double p_full_ = 0;
  long near_ties_ = 0;
};

/// What a search knows about its image: the answers, and which sets are sufficient, within the budget.
class Findings : public Ratios {
 public:
  Findings(Scorer& scorer, Sufficient sense, double threshold, int patches, long max_evaluations)
      : Ratios(scorer, sense, threshold, patches), max_evaluations_(max_evaluations) {}

  /// Evaluates the intact image and its baseline; all else needs them.
  Task<void> open() {
    co_await Ratios::open();
    const std::vector<PatchSet> baseline(1);
    co_await scorer_.probabilities(baseline);
    if (p_full() > 0) note(PatchSet());
  }

  /// Every set evaluated so far but the intact image, in the order of the questions.
  const std::vector<PatchSet>& sufficient_sets() const { return sufficient_sets_; }
  const std::vector<PatchSet>& insufficient_sets() const { return insufficient_sets_; }

  long evaluations() const { return scorer_.evaluations(); }
  long remaining() const { return max_evaluations_ - evaluations(); }
  /// An evaluate() has been cut short.
  bool out_of_budget() const { return out_of_budget_; }

  /// Evaluates the leading groups, each as a whole, that the budget has room for; one question to the scorer.
  /// Returns how many groups are known now.
  Task<std::size_t> evaluate(const std::vector<std::vector<PatchSet>>& groups) {
    std::unordered_set<PatchSet> unknown;
    std::vector<PatchSet> question;
    std::size_t answered = 0;
    for (const auto& group : groups) {
      const auto before = question.size();
      for (const PatchSet& set : group)
        if (!knows(set) && unknown.insert(set).second) question.push_back(set);
      if (static_cast<long>(question.size()) > remaining()) {
        question.resize(before);
        out_of_budget_ = true;
        break;
      }
      ++answered;
    }
    if (!question.empty()) co_await scorer_.probabilities(question);
    for (const PatchSet& set : question) note(set);
    co_return answered;
  }

 private:
  void note(const PatchSet& set) {
    note_decision(set);
    (sufficient(set) ? sufficient_sets_ : insufficient_sets_).push_back(set);
  }

  long max_evaluations_;
  std::vector<PatchSet> sufficient_sets_;
  std::vector<PatchSet> insufficient_sets_;
  bool out_of_budget_ = false;
};

}  // namespace xai::internal
