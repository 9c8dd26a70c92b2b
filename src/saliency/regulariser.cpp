#include "xai/saliency/regulariser.hpp"

#include <ATen/ATen.h>

namespace xai {
namespace {

/// mean(w * d^2) of the differences d of neighbours along `dim`, with its gradient.
Penalty weighted_squares(const at::Tensor& values, std::int64_t dim, const at::Tensor& weights) {
  const at::Tensor d = values.diff(1, dim);
  const at::Tensor wd = weights * d;
  const double count = static_cast<double>(d.numel());
  at::Tensor gradient = at::zeros_like(values);
  const std::int64_t last = values.size(dim) - 1;
  gradient.narrow(dim, 1, last).add_(wd, 2 / count);
  gradient.narrow(dim, 0, last).sub_(wd, 2 / count);
  return {(wd * d).sum().item<double>() / count, gradient};
}

Penalty operator+(const Penalty& a, const Penalty& b) {
  return {a.value + b.value, a.gradient + b.gradient};
}

}  // namespace

Penalty hidden_share(const at::Tensor& mask) {
  const at::Tensor hidden = 1 - mask;
  return {hidden.abs().mean().item<double>(), hidden.sign().div(-static_cast<double>(mask.numel()))};
}

Penalty total_variation(const at::Tensor& mask) {
  const at::Tensor one = at::ones({}, mask.options());
  return weighted_squares(mask, 0, one) + weighted_squares(mask, 1, one);
}

BilateralTotalVariation::BilateralTotalVariation(const at::Tensor& image, double sigma,
                                                 const MaskComposer& composer)
    : composer_(composer) {
  const at::Tensor x = image.to(at::kDouble);
  down_ = x.diff(1, 1).mean(0).square().div(-sigma).exp();
  across_ = x.diff(1, 2).square().div(-sigma).exp().mean(0);
}

Penalty BilateralTotalVariation::operator()(const at::Tensor& mask) const {
  const at::Tensor u = composer_.upsample(mask);
  Penalty at_pixels = weighted_squares(u, 0, down_) + weighted_squares(u, 1, across_);
  const Penalty sum =
      total_variation(mask) + Penalty{at_pixels.value, composer_.pull_back(at_pixels.gradient)};
  return {sum.value / 2, sum.gradient / 2};
}

}  // namespace xai
