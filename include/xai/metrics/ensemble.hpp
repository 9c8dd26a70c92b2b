#pragma once

#include <cstddef>
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
  long images = 0;             ///< that were counted: those that every model evaluated
  std::vector<Ensemble> sets;  ///< by size, then in lexicographic order of members
};

/// Counts how often every set of one, two or three models is right, one image at a time. Of classes with
/// equal means the smaller index ranks first. Memory does not depend on the number of images.
class EnsembleCounter {
 public:
  EnsembleCounter(std::size_t models, int classes);

  /// Takes in one image: the softmax that each model gives it, K numbers each, and its true class, 0 .. K-1.
  /// A model that has not evaluated the image gives zeros; such an image is not counted for any set. Throws
  /// Error where sizes do not match or the label is no class.
  void add(std::span<const std::span<const float>> probabilities, int label);

  /// The counts of all images so far.
  Ensembles result() const;

 private:
  void grow(const std::vector<int>& members);

  std::size_t models_;
  int classes_;
  long images_ = 0;
  std::vector<Ensemble> sets_;             ///< depth first: each before its extensions by a later model
  std::vector<std::vector<double>> sums_;  ///< of probabilities, of the last set of each size
};

}  // namespace xai
