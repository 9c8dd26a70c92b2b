#pragma once

#include <coroutine>
#include <functional>
#include <limits>
#include <memory>
#include <unordered_map>
#include <vector>

#include "xai/core/patch_set.hpp"
#include "xai/core/task.hpp"
#include "xai/search/inquiry.hpp"

namespace xai {

/// What the model says of one masked image.
struct Score {
  double p;      ///< p(S): of the class that is explained
  double rival;  ///< the largest p of another class on x_S; NaN where nobody said

  // not explicit: an invented function of p alone is a scorer too
  Score(double of_class, double of_rival = std::numeric_limits<double>::quiet_NaN())
      : p(of_class), rival(of_rival) {}
};

/// Every score that is known of one image and class, whoever asked for it.
class Memo {
 public:
  bool knows(const PatchSet& set) const { return all_.contains(set); }
  /// Throws std::out_of_range where it is not known.
  const Score& known(const PatchSet& set) const { return all_.at(set); }
  const std::unordered_map<PatchSet, Score>& all_known() const { return all_; }
  /// Puts a score that is known into the memo.
  void remember(const PatchSet& set, const Score& score) { all_.try_emplace(set, score); }

 private:
  std::unordered_map<PatchSet, Score> all_;
};

/// One caller's view of a memo: the target-class probabilities of one image's patch sets.
///
/// A search asks with `co_await scorer.probabilities(sets)`. Whoever drives the search (the engine, or
/// run_search() with an invented function) takes the queued sets, answers each, and resumes the search when
/// nothing is missing. What the memo knows is not queued, so a set is evaluated once per image, and no answer
/// can depend on how batches were packed. A caller pays for every set it asks for, and sees no other: what it
/// finds within a budget does not depend on who asked before. Not thread-safe.
class Scorer : public Inquiry<PatchSet> {
 public:
  /// Callers of one memo, which outlives them.
  explicit Scorer(Memo& memo) : memo_(memo) {}
  /// The only caller of a memo of its own.
  Scorer() : own_memo_(std::make_unique<Memo>()), memo_(*own_memo_) {}

  /// --- the search's side ---

  /// Awaitable: p(S) for each of `sets`, in their order, as the double of a float32 softmax probability.
  /// Sets that it repeats are queued once. Throws into the search what fail() was given.
  class Question;
  [[nodiscard]] Question probabilities(std::vector<PatchSet> sets);

  bool knows(const PatchSet& set) const { return asked_.contains(set); }
  /// p(S), and all that is known, of a set that an earlier question asked for; throws std::out_of_range for
  /// another.
  double known(const PatchSet& set) const { return asked_.at(set).p; }
  const Score& score(const PatchSet& set) const { return asked_.at(set); }
  /// The number of different sets asked for so far.
  long evaluations() const { return static_cast<long>(asked_.size()); }
  /// Those of them that the memo did not know.
  long new_to_memo() const { return new_to_memo_; }
  /// Every set that an earlier question asked for.
  const std::unordered_map<PatchSet, Score>& asked() const { return asked_; }
  /// Every set that the memo knows.
  const std::unordered_map<PatchSet, Score>& all_known() const { return memo_.all_known(); }

  /// --- the driver's side, with Inquiry's ---

  /// Puts a score into the memo; the caller has not asked for it.
  void remember(const PatchSet& set, const Score& score) { memo_.remember(set, score); }
  /// The score of a set that take() gave.
  void answer(const PatchSet& set, const Score& score);

 private:
  std::unique_ptr<Memo> own_memo_;
  Memo& memo_;
  std::unordered_map<PatchSet, Score> asked_;  // NaN while the answer is on its way
  long new_to_memo_ = 0;
};

class Scorer::Question {
 public:
  Question(Scorer& scorer, std::vector<PatchSet> sets);
  bool await_ready() const { return scorer_.complete(); }
  void await_suspend(std::coroutine_handle<> search) { scorer_.wait(search); }
  std::vector<double> await_resume() const;

 private:
  Scorer& scorer_;
  std::vector<PatchSet> sets_;
};

/// Runs one search to its end with `score` in the place of a model.
template <class T>
T run_search(Scorer& scorer, Task<T> search, const std::function<Score(const PatchSet&)>& score) {
  search.start();
  while (!search.done()) {
    for (const PatchSet& set : scorer.take(scorer.queued())) scorer.answer(set, score(set));
    scorer.resume();
  }
  return search.result();
}

}  // namespace xai
