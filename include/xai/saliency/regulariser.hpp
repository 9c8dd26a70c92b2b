#pragma once

#include <ATen/core/Tensor.h>

#include "xai/perturb/perturbation.hpp"

namespace xai {

/// The value of a penalty on a mask, and its gradient with respect to that mask.
struct Penalty {
  double value = 0;
  at::Tensor gradient;  ///< s x s, like the mask
};

// Masks: s x s, s >= 2, double, on the CPU; 1 = the image is kept.

/// mean |1 - m|: how much is hidden. Its gradient where m = 1 is taken as 0.
Penalty hidden_share(const at::Tensor& mask);

/// Mean squared difference of vertical neighbours plus that of horizontal neighbours.
Penalty total_variation(const at::Tensor& mask);

/// Total variation that forgives edges of the mask on edges of the image (iGOS++, CHIL 2021): half the sum of
/// total_variation(m) and of the mean over pixels of w |dU|^2, down and across, of the upsampled mask U. The
/// weights of an image in normalised space are, as in the public code, w = exp(-(mean over c of dx_c)^2 /
/// sigma) down and w = mean over c of exp(-dx_c^2 / sigma) across.
class BilateralTotalVariation {
 public:
  /// `image`: 3 x H x W normalised, on the CPU. `composer`: of masks of double on the CPU; it outlives this.
  BilateralTotalVariation(const at::Tensor& image, double sigma, const MaskComposer& composer);

  Penalty operator()(const at::Tensor& mask) const;

 private:
  const MaskComposer& composer_;
  at::Tensor down_;    // H-1 x W weights
  at::Tensor across_;  // H x W-1
};

}  // namespace xai
