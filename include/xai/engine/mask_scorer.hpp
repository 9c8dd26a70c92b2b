#pragma once

#include <ATen/core/Tensor.h>

#include <coroutine>
#include <cstdint>
#include <vector>

#include "xai/model/classifier.hpp"
#include "xai/search/inquiry.hpp"

namespace xai {

/// What is wanted of a masked image: p alone, p with its gradient, or the last feature maps alone.
enum class Want { probability, gradient, features };

/// A masked version of an image that is shown to the model: V * x + (1 - V) * b with the visible mask
/// V = offset + scale * product over f of U(masks[f]), and noise.
struct MaskQuestion {
  at::Tensor masks;   ///< F x s x s with F of 1 or 2, floating point, contiguous, on the CPU; or F x 1 x 1
  double offset = 0;  ///<
  double scale = 1;   ///<
  double noise = 0;   ///< standard deviation of normal noise on every normalised pixel and channel
  std::uint64_t noise_seed = 0;  ///< equal lower 32 bits give equal noise, on one kind of device
  Want want = Want::probability;
};

struct MaskAnswer {
  double p = 0;            ///< the softmax probability of the target class; 0 with Want::features
  at::Tensor gradient;     ///< of p with respect to the masks, F x s x s on the CPU; with Want::gradient
  Features features = {};  ///< of this row alone: C x h x w, on the CPU; with Want::features
};

/// A question and the place of its answer; both stay where they are until the analysis is resumed.
struct MaskSlot {
  const MaskQuestion* question;
  MaskAnswer* answer;
};

/// The probabilities of one image under real-valued masks, and their gradients: what Scorer is for patch
/// sets, without a memo.
///
/// An analysis asks with `co_await scorer.answers(questions)`; whoever drives it takes the queued slots by
/// Want, fills in each answer, and resumes it when nothing is missing. Not thread-safe. One question list at
/// a time.
class MaskScorer : public Inquiry<MaskSlot, 3> {
 public:
  /// Awaitable: a MaskAnswer for each question, in their order. Throws what fail() was given.
  class Answers;
  [[nodiscard]] Answers answers(std::vector<MaskQuestion> questions);

  /// Questions asked so far, and those of them that go back through the model.
  long forward() const { return forward_; }
  long backward() const { return backward_; }

 private:
  std::vector<MaskQuestion> questions_;
  std::vector<MaskAnswer> answers_;
  long forward_ = 0;
  long backward_ = 0;
};

class MaskScorer::Answers {
 public:
  Answers(MaskScorer& scorer, std::vector<MaskQuestion> questions);
  bool await_ready() const { return scorer_.complete(); }
  void await_suspend(std::coroutine_handle<> analysis) { scorer_.wait(analysis); }
  std::vector<MaskAnswer> await_resume();

 private:
  MaskScorer& scorer_;
};

}  // namespace xai
