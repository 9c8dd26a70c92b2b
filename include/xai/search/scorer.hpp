#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "xai/core/patch_set.hpp"
#include "xai/core/task.hpp"

namespace xai {

/// The target-class probabilities of one image's patch sets: a memo, and a queue of what it does not know.
///
/// A search asks with `co_await scorer.probabilities(sets)`. Whoever drives the search (the engine, or
/// run_search() with an invented function) takes the queued sets, answers each, and resumes the search when
/// nothing is missing. So a set is evaluated once per image, and no answer can depend on how batches were
/// packed. Not thread-safe. One question at a time; the sets that a question repeats are queued once.
class Scorer {
 public:
  /// --- the search's side ---

  /// Awaitable: p(S) for each of `sets`, in their order, as the double of a float32 softmax probability.
  /// Throws into the search what fail() was given.
  class Question;
  [[nodiscard]] Question probabilities(std::vector<PatchSet> sets);

  bool knows(const PatchSet& set) const { return memo_.contains(set); }
  /// p(S) of a set that an earlier question asked for; throws std::out_of_range for another.
  double known(const PatchSet& set) const { return memo_.at(set); }
  /// Every p(S) that is known. Between questions only: a set that is asked for stands in it with NaN.
  const std::unordered_map<PatchSet, double>& all_known() const { return memo_; }
  /// The number of different sets asked for so far.
  long evaluations() const { return static_cast<long>(memo_.size()); }

  /// --- the driver's side ---

  /// Puts a p(S) that is known already into the memo.
  void remember(const PatchSet& set, double p) { memo_.try_emplace(set, p); }
  /// Sets still to be handed out.
  std::size_t queued() const { return queue_.size() - handed_out_; }
  /// The next queued sets, at most `most`; each must be answered. Valid until the next call of resume().
  std::span<const PatchSet> take(std::size_t most);
  /// p(S) of a set that take() gave.
  void answer(const PatchSet& set, double p);
  /// The search's question is answered in full (or failed): resume() will continue it.
  bool can_resume() const { return waiting_ && (error_ || unanswered_ == 0); }
  void resume();
  /// Makes the waiting question throw `error` at the next resume(); queued sets are dropped.
  void fail(std::exception_ptr error);

 private:
  std::unordered_map<PatchSet, double> memo_;
  std::vector<PatchSet> queue_;
  std::size_t handed_out_ = 0;
  std::size_t unanswered_ = 0;
  std::coroutine_handle<> waiting_;
  std::exception_ptr error_;
};

class Scorer::Question {
 public:
  Question(Scorer& scorer, std::vector<PatchSet> sets);
  bool await_ready() const { return scorer_.unanswered_ == 0; }
  void await_suspend(std::coroutine_handle<> search) { scorer_.waiting_ = search; }
  std::vector<double> await_resume() const;

 private:
  Scorer& scorer_;
  std::vector<PatchSet> sets_;
};

/// Runs one search to its end with `score` in the place of a model.
template <class T>
T run_search(Scorer& scorer, Task<T> search, const std::function<double(const PatchSet&)>& score) {
  search.start();
  while (!search.done()) {
    for (const PatchSet& set : scorer.take(scorer.queued())) scorer.answer(set, score(set));
    scorer.resume();
  }
  return search.result();
}

}  // namespace xai
