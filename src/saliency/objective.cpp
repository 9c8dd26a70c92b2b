#include "objective.hpp"

#include <ATen/ATen.h>

namespace xai {

Objective::Objective(const at::Tensor& image, const MaskComposer& composer, const IgosOptions& options)
    : options_(options), bilateral_(image, options.sigma, composer) {
  using enum Term::Kind;
  switch (options.method) {
    case IgosMethod::igos:
      terms_ = {{deletion, 0}};
      break;
    case IgosMethod::igos_plus:
      terms_ = {{deletion, 0}, {insertion, 0}};
      break;
    case IgosMethod::igos_plus_plus:
      terms_ = {{deletion, {}}, {insertion, {}}, {deletion, 0}, {insertion, 1}};
      break;
  }
}

std::vector<MaskQuestion> Objective::questions(const at::Tensor& masks, bool gradient, Random& random) const {
  std::vector<MaskQuestion> questions;
  for (int k = 1; k <= options_.points; ++k) {
    const double back = options_.path == PathPoints::stratified ? random.uniform() : 0;
    const double t = (k - back) / options_.points;
    const std::uint64_t shared = random.next();
    for (const Term& term : terms_) {
      const bool inserts = term.kind == Term::Kind::insertion;
      questions.push_back({.masks = term.part_of(masks),
                           .offset = inserts ? 1.0 : 0.0,
                           .scale = inserts ? -t : t,
                           .noise = options_.noise,
                           .noise_seed = options_.sharing == NoiseSharing::terms ? shared : random.next(),
                           .want = gradient ? Want::gradient : Want::probability});
    }
  }
  return questions;
}

ObjectiveValue Objective::value(const at::Tensor& masks, const std::vector<MaskAnswer>& answers) const {
  ObjectiveValue value;
  const bool gradient = answers.front().gradient.defined();
  if (gradient) value.score_gradient = at::zeros_like(masks);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Term& term = terms_[i % terms_.size()];
    const bool inserts = term.kind == Term::Kind::insertion;
    const double share = 1.0 / options_.points;
    (inserts ? value.parts.insertion : value.parts.deletion) += share * answers[i].p;
    if (gradient) term.part_of(value.score_gradient).add_(answers[i].gradient, inserts ? -share : share);
  }

  const at::Tensor kept = masks.prod(0);
  const Penalty hidden = hidden_share(kept);
  const Penalty variation = options_.method == IgosMethod::igos ? total_variation(kept) : bilateral_(kept);
  value.parts.hidden = hidden.value;
  value.parts.variation = variation.value;
  const at::Tensor of_kept = options_.l1 * hidden.gradient + options_.l2 * variation.gradient;
  value.penalty_gradient = masks.size(0) == 1 ? of_kept.unsqueeze(0) : of_kept * masks.flip(0);
  return value;
}

}  // namespace xai
