#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <opencv2/core/mat.hpp>
#include <span>
#include <vector>

#include "xai/core/patch_grid.hpp"
#include "xai/model/classifier.hpp"
#include "xai/model/preprocess.hpp"
#include "xai/perturb/perturbation.hpp"

namespace xai {

/// What one model looks at in a photograph, and for which class.
struct Evidence {
  at::Tensor masks;  ///< N x s x s float32 on the CPU: what is shown, 1, and what is hidden, 0, cell by cell
  Crop crop{};       ///< the model's, of this photograph: where the cells lie
  int target = 0;    ///< class c whose probability is asked
};

struct CrossTestOptions {
  Baseline baseline = Baseline::blur;
  MaskKind mask = MaskKind::soft;
  int batch_size = 8;  ///< the most images that a model sees at once
};

/// Shows photographs to several models at once: as they are, and only what each of the models looks at
/// (cross-testing, SPEC 7). Masked batches are composed once for all models that are shown
/// the same pixels. Safe to use from several threads at once. When memory runs out, batches are halved from
/// then on; throws ModelError when even a batch of one does not fit.
class CrossTester {
 public:
  /// `models`, all on one device, outlive the tester.
  CrossTester(std::vector<Classifier*> models, const CrossTestOptions& options);

  /// A photograph as the models are shown it: x and b in [0,1] (3 x H x W, CPU), once for all models that
  /// share a view.
  struct Views {
    int height = 0, width = 0;  ///< of the photograph
    std::vector<at::Tensor> images, baselines;
  };
  /// `photograph`: h x w CV_8UC3 RGB. `with_baselines`: they are asked for, too.
  Views views_of(const cv::Mat& photograph, bool with_baselines = true) const;

  enum class Shown { image, baseline };
  /// Softmax probabilities of each model on each of the photographs: N x K float32 on the CPU. Rows whose
  /// logits are not finite are NaN.
  std::vector<at::Tensor> probabilities(std::span<const Views* const> photographs, Shown shown) const;

  /// f_c of each mask, or nothing. NaN where the logits are not finite.
  using Probabilities = std::vector<double>;
  /// For each model and each evidence, [model][evidence]: the probability of the evidence's class on U x + (1
  /// - U) b, with U each of its masks, upsampled. Only where wanted[model][evidence]. U is a function on the
  /// photograph: a model with another crop sees it elsewhere.
  std::vector<std::vector<Probabilities>> reveal(const Views& photograph, std::span<const Evidence> evidence,
                                                 const std::vector<std::vector<bool>>& wanted) const;

  /// Images through the models so far, padding excluded.
  long forward() const { return forward_; }

 private:
  struct Model {
    Classifier* classifier;
    at::Tensor mean, std;  // 3 x 1 x 1, on the device
  };
  using View = std::vector<std::size_t>;  // models that are shown the same pixels

  const ModelCard& card_of(const View& view) const { return models_[view.front()].classifier->card(); }
  at::Tensor probabilities(const Model& model, const at::Tensor& batch, std::int64_t rows) const;
  void reveal(std::size_t view, const Views& photograph, std::span<const Evidence> evidence,
              const std::vector<std::vector<bool>>& wanted, int batch_size,
              std::vector<std::vector<Probabilities>>& result) const;
  template <class Work>
  auto fitting(Work work) const;

  std::vector<Model> models_;
  std::vector<View> views_;
  CrossTestOptions options_;
  at::Device device_;
  mutable std::atomic<int> batch_size_;
  mutable std::atomic<long> forward_ = 0;
};

}  // namespace xai
