#pragma once

#include <ATen/core/Tensor.h>

#include "xai/model/model_card.hpp"

namespace xai {

/// Logits, and how a probability changes with the input.
struct LogitsAndGradient {
  at::Tensor logits;    ///< N x K
  at::Tensor gradient;  ///< N x 3 x H x W
};

/// The only door to a model. An implementation knows how its file is loaded and run; nothing else does.
class Classifier {
 public:
  virtual ~Classifier() = default;

  virtual const ModelCard& card() const = 0;
  virtual at::Device device() const = 0;
  /// Of batches, logits and gradients: float32, or double for a model that is run in double precision.
  virtual at::ScalarType type() const { return at::kFloat; }

  /// `batch`: N x 3 x H x W of type(), RGB, normalised, contiguous, on device(). Gives N x K logits there. No
  /// gradients. Thread-safe. Throws ModelError (its first line says what the model said), or what the
  /// allocator throws when memory runs out: is_out_of_memory() tells.
  virtual at::Tensor logits(const at::Tensor& batch) = 0;

  /// Also the gradient, with respect to `batch`, of each row's softmax probability of its class.
  /// `classes`: N int64 on device(). Thread-safe; throws as logits() does, and ModelError where the
  /// implementation is forward-only (which this one is).
  virtual LogitsAndGradient logits_and_input_gradient(const at::Tensor& batch, const at::Tensor& classes);
};

/// Whether an exception of Classifier::logits (or of a tensor operation) says that memory ran out.
bool is_out_of_memory(const std::exception& error);

/// The size of batches to go on with where one of `size` did not fit into memory: half of it, with a warning
/// in the log. Throws ModelError where that is none.
int halved_batch(int size, const at::Device& device);

}  // namespace xai
