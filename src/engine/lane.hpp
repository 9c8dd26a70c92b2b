#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <future>
#include <semaphore>
#include <variant>
#include <vector>

#include "xai/core/background.hpp"
#include "xai/engine/image_in_flight.hpp"
#include "xai/model/classifier.hpp"
#include "xai/perturb/perturbation.hpp"

namespace xai {

/// The image as it is, before there are any questions about it.
struct Intact {};

/// A patch set and who asked for it.
struct ScoredSet {
  Scorer* scorer;
  PatchSet set;
};

/// One image of a batch: what a scorer of the image asks, or the intact image.
struct Row {
  ImageInFlight* owner;
  const MaskableImage* image;
  std::variant<Intact, ScoredSet, MaskSlot> shown;
  std::int64_t target;  // the class that is asked about

  /// The question of a real-valued mask, or null.
  const MaskQuestion* question() const {
    const auto* slot = std::get_if<MaskSlot>(&shown);
    return slot ? slot->question : nullptr;
  }
};

/// Rows that go through the model together: all of one kind.
struct Batch {
  std::vector<Row> rows;
  int size;  // of the batch that the model sees: at least rows.size()
  Want want;
};

/// What the model said of a batch, on the CPU.
struct Outcome {
  at::Tensor values;     ///< rows x 7 of double: p of the best two classes, their indices, p of the target,
                         ///< all of it is finite, p of the third class or 0; not with Want::features
  at::Tensor gradients;  ///< F x rows x g x g, with respect to the masks; with Want::gradient
  Features features;     ///< with Want::features
  double compose_seconds = 0;
  double model_seconds = 0;
};

/// A thread that takes batches through composing and the model, and the batch's memory.
class Lane {
 public:
  /// All outlive the lane. `landed` is released when a batch is back, once each.
  Lane(Classifier& classifier, const MaskComposer& composer, std::counting_semaphore<>& landed)
      : classifier_(classifier), composer_(composer), landed_(landed) {}

  /// Queues a batch, which must live until the result is there.
  std::future<Outcome> start(const Batch& batch);

  /// Batches that were started and not yet finished() by the one who started them.
  int under_way() const { return under_way_; }
  void finished() { --under_way_; }

 private:
  Outcome run(const Batch& batch);
  void answer(const Batch& batch, const std::vector<const MaskableImage*>& images, const SoftMasks& masks,
              const at::Tensor& targets, Outcome& outcome);
  void prepare_images(const Batch& batch);
  at::TensorOptions pinned(at::ScalarType type) const;
  at::Tensor to_device(const at::Tensor& tensor) const;
  SoftMasks visible_masks(const std::vector<Row>& rows) const;
  void add_noise(const std::vector<Row>& rows);

  Classifier& classifier_;
  const MaskComposer& composer_;
  std::counting_semaphore<>& landed_;
  int under_way_ = 0;
  at::Tensor images_;    // of a batch
  at::Generator noise_;  // seeded anew for each row
  Background thread_;    // last: it uses the others
};

}  // namespace xai
