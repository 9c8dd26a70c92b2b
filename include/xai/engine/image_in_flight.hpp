#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <list>
#include <optional>

#include "xai/core/task.hpp"
#include "xai/engine/mask_scorer.hpp"
#include "xai/perturb/perturbation.hpp"
#include "xai/search/scorer.hpp"

namespace xai {

/// One decoded image, on the CPU.
struct LoadedImage {
  at::Tensor image;     ///< x: 3 x H x W float32 RGB in [0,1]
  at::Tensor baseline;  ///< b: the same
  /// A class whose probability on the intact image is wanted besides those of the likeliest ones: its label,
  /// or the one to be explained.
  std::optional<int> label;
};

/// What the model says of an intact image.
struct Prediction {
  int predicted = 0;              ///< arg max
  double p_predicted = 0;         ///< its softmax probability
  int second = 0;                 ///< the runner-up
  double p_second = 0;            ///< its probability
  std::optional<double> p_label;  ///< that of LoadedImage::label, where there is one
  bool near_tie = false;          ///< the runner-up is within a relative 1e-5: another machine may predict it
  bool near_tie_of_second = false;  ///< so is the third to the runner-up

  /// The probability of the prediction, the runner-up or the label.
  double of(int target) const {
    return target == predicted ? p_predicted : target == second ? p_second : p_label.value();
  }
  /// The largest probability of a class other than the target.
  double rival_of(int target) const { return target == predicted ? p_second : p_predicted; }
};

/// What an analysis sees of its image while it is under way.
class ImageInFlight {
 public:
  ImageInFlight(std::size_t index, LoadedImage loaded, MaskableImage maskable, int grid);
  ImageInFlight(const ImageInFlight&) = delete;
  ImageInFlight& operator=(const ImageInFlight&) = delete;

  const LoadedImage& loaded() const { return loaded_; }
  const Prediction& prediction() const { return prediction_; }

  /// Chooses class c, of which prediction() knows the probability, and gives the scorer of its probability
  /// under patch sets (a grid of at most 16, else UsageError). Its memo knows the full set.
  Scorer& scorer(int target);
  /// A further caller on the same memo, with an account of its own, and for the same class.
  Scorer& another_scorer() { return scorers_.emplace_back(memo_); }
  /// The same class under real-valued masks of grid x grid cells.
  MaskScorer& masks(int target);

 private:
  friend class Scheduler;

  std::size_t index_;
  LoadedImage loaded_;
  MaskableImage maskable_;
  int grid_;
  Prediction prediction_;
  int target_ = 0;
  Memo memo_;
  std::list<Scorer> scorers_;  // the first is scorer()'s
  MaskScorer masks_;
  int rows_in_air_ = 0;
  std::optional<Task<void>> task_;  // last: a coroutine goes before what it looks at
};

}  // namespace xai
