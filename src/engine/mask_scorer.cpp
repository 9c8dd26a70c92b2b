#include "xai/engine/mask_scorer.hpp"

#include <algorithm>
#include <utility>

namespace xai {

MaskScorer::Answers MaskScorer::answers(std::vector<MaskQuestion> questions) {
  return {*this, std::move(questions)};
}

std::size_t MaskScorer::queued(bool gradient) const {
  return queues_[gradient].indices.size() - queues_[gradient].handed_out;
}

std::vector<MaskScorer::Slot> MaskScorer::take(std::size_t most, bool gradient) {
  Queue& queue = queues_[gradient];
  std::vector<Slot> slots;
  for (const std::size_t end = queue.handed_out + std::min(most, queued(gradient)); queue.handed_out < end;) {
    const std::size_t index = queue.indices[queue.handed_out++];
    slots.push_back({&questions_[index], &answers_[index]});
  }
  return slots;
}

void MaskScorer::resume() {
  std::exchange(waiting_, nullptr).resume();
}

void MaskScorer::fail(std::exception_ptr error) {
  error_ = std::move(error);
  queues_ = {};
}

MaskScorer::Answers::Answers(MaskScorer& scorer, std::vector<MaskQuestion> questions) : scorer_(scorer) {
  if (scorer.error_) return;  // rows still on their way point to the questions before
  scorer.queues_ = {};
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const bool gradient = questions[i].gradient;
    scorer.queues_[gradient].indices.push_back(i);
    ++scorer.forward_;
    scorer.backward_ += gradient;
  }
  scorer.unanswered_ = questions.size();
  scorer.answers_.assign(questions.size(), {});
  scorer.questions_ = std::move(questions);
}

std::vector<MaskAnswer> MaskScorer::Answers::await_resume() {
  if (scorer_.error_) std::rethrow_exception(scorer_.error_);
  return std::move(scorer_.answers_);
}

}  // namespace xai
