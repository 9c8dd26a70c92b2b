#include "xai/saliency/igos.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "objective.hpp"
#include "xai/core/error.hpp"

namespace xai {
namespace {

/// Masks that one more step leads to.
at::Tensor stepped(const at::Tensor& masks, const at::Tensor& descent) {
  return (masks - descent).clamp_(0, 1);
}

/// The state of one image's optimisation.
class Optimisation {
 public:
  Optimisation(MaskScorer& scorer, const at::Tensor& image, const MaskComposer& composer,
               const IgosOptions& options, Random random)
      : scorer_(scorer), options_(options), objective_(image, composer, options), random_(std::move(random)) {
    masks_ = at::ones({objective_.masks(), options.size, options.size}, at::kDouble);
    velocity_ = squares_ = point_ = at::zeros_like(masks_);
    map_ = at::zeros_like(masks_[0]);
  }

  Task<IgosResult> run() {
    const double share = objective_.masks() == 2 ? 0.5 : 1;  // iGOS++ halves the scores, in its gradient only
    for (int i = 0; i < options_.iterations; ++i) {
      ObjectiveValue at = co_await evaluate(masks_, /*gradient=*/true);
      const at::Tensor gradient = share * at.score_gradient + at.penalty_gradient;
      switch (options_.optimiser) {
        case Optimiser::adam:
          at.parts.step = options_.rate;
          adam(gradient, i + 1);
          break;
        case Optimiser::nag:
          at.parts.step = options_.alpha;
          nag(gradient, i);
          break;
        case Optimiser::line_search:
          at.parts.step = co_await line_search(gradient);
          masks_ = stepped(masks_, at.parts.step * gradient);
          break;
      }
      result_.iterations.push_back(at.parts);
      const at::Tensor hidden = 1 - masks_.prod(0);
      if (options_.map == MapOf::mean)
        map_ += hidden / options_.iterations;
      else
        map_ = hidden;
    }
    result_.map = map_.to(at::kFloat);
    co_return std::move(result_);
  }

 private:
  Task<ObjectiveValue> evaluate(at::Tensor masks, bool gradient) {
    const auto answers = co_await scorer_.answers(objective_.questions(masks, gradient, random_));
    co_return objective_.value(masks, answers);
  }

  Task<double> loss(at::Tensor masks) {
    const ObjectiveValue at = co_await evaluate(masks, /*gradient=*/false);
    co_return at.score() + objective_.penalty(at);
  }

  /// The first step along -gradient with enough descent, or the first one below min_step.
  Task<double> line_search(at::Tensor gradient) {
    const double base = co_await loss(masks_);
    const double slope = gradient.square().sum().item<double>();
    double step = options_.alpha;
    while (true) {
      const double there = co_await loss(stepped(masks_, step * gradient));
      const double bound = base - step * options_.armijo * slope;
      result_.near_ties += std::abs(there - bound) < 1e-5;
      if (there <= bound || step < options_.min_step) co_return step;
      step *= options_.decay;
    }
  }

  void nag(const at::Tensor& gradient, int iteration) {
    const at::Tensor next = masks_ - options_.alpha * gradient;
    const double momentum = iteration / (iteration + 3.0);
    masks_ = (next + momentum * (next - point_)).clamp_(0, 1);
    point_ = next;
  }

  void adam(const at::Tensor& gradient, int count) {
    velocity_ = options_.beta1 * velocity_ + (1 - options_.beta1) * gradient;
    squares_ = options_.beta2 * squares_ + (1 - options_.beta2) * gradient.square();
    const at::Tensor mean = velocity_ / (1 - std::pow(options_.beta1, count));
    at::Tensor square = squares_ / (1 - std::pow(options_.beta2, count));
    if (options_.scale == GradientScale::mask) square = square.mean({1, 2}, /*keepdim=*/true);
    const at::Tensor scale = square.sqrt();
    masks_ = stepped(masks_, options_.rate * mean / (scale + options_.epsilon));
  }

  MaskScorer& scorer_;
  const IgosOptions& options_;
  Objective objective_;
  Random random_;
  IgosResult result_;
  at::Tensor map_;
  at::Tensor masks_;               // K x s x s of double
  at::Tensor velocity_, squares_;  // Adam's memory
  at::Tensor point_;               // NAG's, before its last leap
};

}  // namespace

IgosOptions IgosOptions::reference() {
  IgosOptions options;
  options.iterations = 20;
  options.points = 15;
  options.path = PathPoints::right;
  options.noise = 0.2;
  options.sharing = NoiseSharing::none;
  options.optimiser = Optimiser::line_search;
  options.map = MapOf::last;
  return options;
}

Task<IgosResult> igos(MaskScorer& scorer, at::Tensor image, const MaskComposer& composer, IgosOptions options,
                      Random noise) {
  options.validate();
  Optimisation optimisation(scorer, image, composer, options, std::move(noise));
  IgosResult result = co_await optimisation.run();
  co_return result;
}

}  // namespace xai
