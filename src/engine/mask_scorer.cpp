#include "xai/engine/mask_scorer.hpp"

#include <utility>

namespace xai {

MaskScorer::Answers MaskScorer::answers(std::vector<MaskQuestion> questions) {
  return {*this, std::move(questions)};
}

MaskScorer::Answers::Answers(MaskScorer& scorer, std::vector<MaskQuestion> questions) : scorer_(scorer) {
  if (scorer.failed()) return;  // rows still on their way point to the questions before
  scorer.questions_ = std::move(questions);
  scorer.answers_.assign(scorer.questions_.size(), {});
  for (std::size_t i = 0; i < scorer.questions_.size(); ++i) {
    const MaskQuestion& question = scorer.questions_[i];
    scorer.ask({&question, &scorer.answers_[i]}, question.want);
    ++scorer.forward_;
    scorer.backward_ += question.want != Want::probability;
  }
}

std::vector<MaskAnswer> MaskScorer::Answers::await_resume() {
  scorer_.rethrow();
  return std::move(scorer_.answers_);
}

}  // namespace xai
