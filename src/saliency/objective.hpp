#pragma once

#include <optional>
#include <vector>

#include "xai/saliency/igos.hpp"
#include "xai/saliency/regulariser.hpp"

namespace xai {

/// The parts of an objective at a point, and the gradients of its two halves, K x s x s.
struct ObjectiveValue {
  IgosIteration parts;
  at::Tensor score_gradient;  ///< of deletion - insertion; undefined where no gradient was asked for
  at::Tensor penalty_gradient;

  double score() const { return parts.deletion - parts.insertion; }
};

/// What the iGOS family minimises: score + penalty, as a function of K masks (K x s x s of double, 1 = keep).
///
/// iGOS: D(m); iGOS+: D(m) - I(m); iGOS++: D(d i) - I(d i) + D(d) - I(i), where the upsampled masks are
/// multiplied. D(m): mean over points t of p(b + t U (x - b)). I(m): of p(x - t U (x - b)). Penalty: L1 *
/// hidden share + L2 * variation of the product of the masks.
class Objective {
 public:
  Objective(const at::Tensor& image, const MaskComposer& composer, const IgosOptions& options);

  int masks() const { return options_.method == IgosMethod::igos_plus_plus ? 2 : 1; }

  /// What the model has to be asked at a point. Draws points and noise from `random`.
  std::vector<MaskQuestion> questions(const at::Tensor& masks, bool gradient, Random& random) const;
  /// The objective from the answers to questions().
  ObjectiveValue value(const at::Tensor& masks, const std::vector<MaskAnswer>& answers) const;

  double penalty(const ObjectiveValue& at) const {
    return options_.l1 * at.parts.hidden + options_.l2 * at.parts.variation;
  }

 private:
  /// D or I of one mask, or of the product of both.
  struct Term {
    enum class Kind { deletion, insertion } kind;
    std::optional<int> mask;  // empty: the product

    at::Tensor part_of(const at::Tensor& masks) const { return mask ? masks.narrow(0, *mask, 1) : masks; }
  };

  const IgosOptions& options_;
  BilateralTotalVariation bilateral_;
  std::vector<Term> terms_;
};

}  // namespace xai
