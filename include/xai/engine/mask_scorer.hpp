#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <vector>

namespace xai {

/// A masked version of an image that is shown to the model: V * x + (1 - V) * b with the visible mask
/// V = offset + scale * product over f of U(masks[f]), and noise.
struct MaskQuestion {
  at::Tensor masks;              ///< F x s x s with F of 1 or 2, floating point, contiguous, on the CPU
  double offset = 0;             ///<
  double scale = 1;              ///<
  double noise = 0;              ///< standard deviation of normal noise on every normalised pixel and channel
  std::uint64_t noise_seed = 0;  ///< equal lower 32 bits give equal noise, on one kind of device
  bool gradient = false;         ///< the gradient is wanted too
};

struct MaskAnswer {
  double p = 0;         ///< the softmax probability of the target class
  at::Tensor gradient;  ///< of p with respect to the masks, F x s x s on the CPU, where wanted
};

/// The probabilities of one image under real-valued masks, and their gradients: what Scorer is for patch
/// sets, without a memo.
///
/// An analysis asks with `co_await scorer.answers(questions)`; whoever drives it takes the queued questions,
/// answers each, and resumes it when nothing is missing. Not thread-safe. One question list at a time.
class MaskScorer {
 public:
  /// --- the analysis' side ---

  /// Awaitable: a MaskAnswer for each question, in their order. Throws what fail() was given.
  class Answers;
  [[nodiscard]] Answers answers(std::vector<MaskQuestion> questions);

  /// Questions asked so far, and those of them that wanted the gradient.
  long forward() const { return forward_; }
  long backward() const { return backward_; }

  /// --- the driver's side ---

  /// A question and the place of its answer; both stay where they are until resume().
  struct Slot {
    const MaskQuestion* question;
    MaskAnswer* answer;
  };
  /// Questions still to be handed out, with or without gradient.
  std::size_t queued(bool gradient) const;
  /// The next of them, at most `most`; each must be answered().
  std::vector<Slot> take(std::size_t most, bool gradient);
  /// A slot's answer has been filled in.
  void answered() { --unanswered_; }
  bool can_resume() const { return waiting_ && (error_ || unanswered_ == 0); }
  void resume();
  /// Makes the waiting analysis throw `error` at the next resume(); what is queued is dropped.
  void fail(std::exception_ptr error);

 private:
  /// Indices of the questions of one kind, and how many of them were handed out.
  struct Queue {
    std::vector<std::size_t> indices;
    std::size_t handed_out = 0;
  };

  std::vector<MaskQuestion> questions_;
  std::vector<MaskAnswer> answers_;
  std::array<Queue, 2> queues_;  // without gradient, with
  std::size_t unanswered_ = 0;
  std::coroutine_handle<> waiting_;
  std::exception_ptr error_;
  long forward_ = 0;
  long backward_ = 0;
};

class MaskScorer::Answers {
 public:
  Answers(MaskScorer& scorer, std::vector<MaskQuestion> questions);
  bool await_ready() const { return scorer_.error_ || scorer_.unanswered_ == 0; }
  void await_suspend(std::coroutine_handle<> analysis) { scorer_.waiting_ = analysis; }
  std::vector<MaskAnswer> await_resume();

 private:
  MaskScorer& scorer_;
};

}  // namespace xai
