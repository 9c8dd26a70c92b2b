#include "xai/search/scorer.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace xai {

Scorer::Question Scorer::probabilities(std::vector<PatchSet> sets) {
  return {*this, std::move(sets)};
}

std::span<const PatchSet> Scorer::take(std::size_t most) {
  const auto count = std::min(most, queued());
  const std::span<const PatchSet> taken(queue_.data() + handed_out_, count);
  handed_out_ += count;
  return taken;
}

void Scorer::answer(const PatchSet& set, double p) {
  memo_.at(set) = p;
  --unanswered_;
}

void Scorer::resume() {
  queue_.clear();
  handed_out_ = 0;
  std::exchange(waiting_, nullptr).resume();
}

void Scorer::fail(std::exception_ptr error) {
  error_ = std::move(error);
  queue_.clear();
  handed_out_ = 0;
}

Scorer::Question::Question(Scorer& scorer, std::vector<PatchSet> sets)
    : scorer_(scorer), sets_(std::move(sets)) {
  for (const PatchSet& set : sets_) {
    const bool unknown = scorer.memo_.try_emplace(set, std::numeric_limits<double>::quiet_NaN()).second;
    if (!unknown) continue;
    scorer.queue_.push_back(set);
    ++scorer.unanswered_;
  }
}

std::vector<double> Scorer::Question::await_resume() const {
  if (scorer_.error_) std::rethrow_exception(scorer_.error_);
  std::vector<double> p;
  p.reserve(sets_.size());
  for (const PatchSet& set : sets_) p.push_back(scorer_.memo_.at(set));
  return p;
}

}  // namespace xai
