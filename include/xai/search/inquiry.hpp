#pragma once

#include <algorithm>
#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <span>
#include <utility>
#include <vector>

namespace xai {

/// What a coroutine asked and waits for. The coroutine asks a list of questions and waits; whoever drives it
/// takes them, answers each, and resumes it when none is missing. Not thread-safe; one list at a time.
/// Questions are of `kinds` kinds: an enum from 0 on, or nothing where there is one.
template <class Question, std::size_t kinds = 1>
class Inquiry {
 public:
  // --- the driver's side ---

  /// Questions of a kind still to be handed out.
  template <class Kind = int>
  std::size_t queued(Kind kind = {}) const {
    const Queue& queue = queues_[static_cast<std::size_t>(kind)];
    return queue.questions.size() - queue.handed_out;
  }
  /// The next of them, at most `most`; each must be answered. Valid until the next call of resume().
  template <class Kind = int>
  std::span<const Question> take(std::size_t most, Kind kind = {}) {
    const std::size_t count = std::min(most, queued(kind));
    Queue& queue = queues_[static_cast<std::size_t>(kind)];
    return std::span<const Question>(queue.questions)
        .subspan(std::exchange(queue.handed_out, queue.handed_out + count), count);
  }
  /// One of them has its answer.
  void answered() { --missing_; }
  /// The coroutine waits for nothing any more (or has failed): resume() will continue it.
  bool can_resume() const { return waiting_ && complete(); }
  void resume() {
    queues_ = {};
    std::exchange(waiting_, nullptr).resume();
  }
  /// Makes the coroutine throw `error` at the next resume(), and whenever it asks again; what is queued is
  /// dropped.
  void fail(std::exception_ptr error) {
    error_ = std::move(error);
    queues_ = {};
  }

 protected:
  // --- for the coroutine's side ---

  template <class Kind = int>
  void ask(Question question, Kind kind = {}) {
    queues_[static_cast<std::size_t>(kind)].questions.push_back(std::move(question));
    ++missing_;
  }
  bool failed() const { return error_ != nullptr; }
  bool complete() const { return failed() || missing_ == 0; }
  void wait(std::coroutine_handle<> coroutine) { waiting_ = coroutine; }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  struct Queue {
    std::vector<Question> questions;
    std::size_t handed_out = 0;
  };

  std::array<Queue, kinds> queues_;
  std::size_t missing_ = 0;  // answers
  std::coroutine_handle<> waiting_;
  std::exception_ptr error_;
};

}  // namespace xai
