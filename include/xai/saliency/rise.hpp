#pragma once

#include <ATen/core/Tensor.h>

#include "xai/core/option_table.hpp"
#include "xai/core/random.hpp"
#include "xai/core/task.hpp"
#include "xai/engine/mask_scorer.hpp"

namespace xai {

/// RISE (Petsiuk et al., BMVC 2018): cells that are visible in random masks of high probability are
/// important.
struct RiseOptions {
  int size = 28;         ///< s: the map has s x s cells
  int masks = 4000;      ///< N random masks, >= 1
  int cells = 7;         ///< a random mask is made from cells x cells coin flips, 2 .. size
  double visible = 0.5;  ///< a cell is visible with this probability, in (0, 1)

  /// Throws UsageError naming the option, its value and the bound.
  void validate() const;
};

/// All but the size.
void describe(OptionTable& table, RiseOptions& options);

/// The map of one image, s x s float32 >= 0: the mean of p(M) M over the masks M, divided by the probability
/// of a cell to be visible. A mask is a grid of coin flips, upsampled bilinearly and shifted at random by
/// less than a cell. `random`: the image's own stream.
Task<at::Tensor> rise(MaskScorer& scorer, RiseOptions options, Random random);

}  // namespace xai
