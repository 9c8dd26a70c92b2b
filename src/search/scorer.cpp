#include "xai/search/scorer.hpp"

#include <limits>
#include <utility>

namespace xai {

Scorer::Question Scorer::probabilities(std::vector<PatchSet> sets) {
  return {*this, std::move(sets)};
}

void Scorer::answer(const PatchSet& set, const Score& score) {
  asked_.at(set) = score;
  memo_.remember(set, score);
  answered();
}

Scorer::Question::Question(Scorer& scorer, std::vector<PatchSet> sets)
    : scorer_(scorer), sets_(std::move(sets)) {
  if (scorer.failed()) return;
  for (const PatchSet& set : sets_) {
    const auto [asked, is_new] = scorer.asked_.try_emplace(set, std::numeric_limits<double>::quiet_NaN());
    if (!is_new) continue;
    if (scorer.memo_.knows(set)) {
      asked->second = scorer.memo_.known(set);
    } else {
      scorer.ask(set);
      ++scorer.new_to_memo_;
    }
  }
}

std::vector<double> Scorer::Question::await_resume() const {
  scorer_.rethrow();
  std::vector<double> p;
  p.reserve(sets_.size());
  for (const PatchSet& set : sets_) p.push_back(scorer_.known(set));
  return p;
}

}  // namespace xai
