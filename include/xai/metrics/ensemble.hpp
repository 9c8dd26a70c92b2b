#pragma once

#include <span>
#include <vector>

namespace xai {

/// A set of models that vote by the mean of their softmax.
struct Ensemble {
  std::vector<int> members;  ///< indices of models, ascending
  long top1 = 0;             ///< images whose label has the largest mean
  long top5 = 0;             ///< images whose label is among the five largest
};

struct Ensembles {
  long images = 0;             ///< evaluated by every model: of these the sets' counts are
  std::vector<Ensemble> sets;  ///< by size, then in lexicographic order of members
};

/// Every set of one, two or three models. `probabilities`: of each model, softmax of N images and K classes,
/// image by image; a row of zeros: not evaluated, which leaves the image out for all. `labels`: N classes.
/// Of equal means the smaller class index comes first. Throws Error where sizes do not match or a label is no
/// class.
Ensembles count_ensembles(std::span<const std::span<const float>> probabilities, std::span<const int> labels,
                          int classes);

}  // namespace xai
