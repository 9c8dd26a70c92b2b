#pragma once

#include <ATen/core/Tensor.h>

#include <limits>
#include <memory>

#include "xai/core/json.hpp"
#include "xai/model/device.hpp"
#include "xai/model/model_card.hpp"

namespace xai {

/// How p of a class comes from a row of logits().
enum class Link {
  softmax,
  none,     ///< it is the class's number itself
  sigmoid,  ///< of the class's own logit
};

/// Logits, and how a probability changes with the input.
struct LogitsAndGradient {
  at::Tensor logits;    ///< N x K
  at::Tensor gradient;  ///< N x 3 x H x W
};

/// The last feature maps of a model, and how a logit changes with them.
struct Features {
  at::Tensor maps;      ///< A: N x C x h x w float32
  at::Tensor gradient;  ///< of each row's class logit with respect to A, the same shape
};

/// The only door to a model. An implementation knows how its file is loaded and run; nothing else does.
class Classifier {
 public:
  virtual ~Classifier() = default;

  virtual const ModelCard& card() const = 0;
  virtual at::Device device() const = 0;
  /// Of batches, logits and input gradients: float32, or double for a model that is run in double precision.
  virtual at::ScalarType type() const { return at::kFloat; }
  virtual Link link() const { return Link::softmax; }
  /// The largest batch that the model was found to take; larger ones are not to be sent.
  virtual int most_rows() const { return std::numeric_limits<int>::max(); }

  /// `batch`: N x 3 x H x W of type(), RGB, normalised, contiguous, on device(). Gives N x K numbers there,
  /// logits but where link() says otherwise; K = card().classes. No gradients. Thread-safe. Throws ModelError
  /// (its first line says what the model said), or what the allocator throws when memory runs out:
  /// is_out_of_memory() tells.
  virtual at::Tensor logits(const at::Tensor& batch) = 0;

  /// Also the gradient, with respect to `batch`, of each row's probability of its class.
  /// `classes`: N int64 on device(). Thread-safe; throws as logits() does, and ModelError where the
  /// implementation is forward-only (which this one is).
  virtual LogitsAndGradient logits_and_input_gradient(const at::Tensor& batch, const at::Tensor& classes);

  /// The last feature maps of each row, on device(), with the gradient of its class's logit. Arguments and
  /// errors as above; ModelError where no last feature map is known (as of this one).
  virtual Features features(const at::Tensor& batch, const at::Tensor& classes);

  /// p of each class, N x K in [0,1], from what logits() gave.
  at::Tensor probabilities(const at::Tensor& logits) const;

  /// What run.json says of how the model was prepared to run; null where there is nothing to say.
  virtual Json tuning() const { return nullptr; }
};

struct ClassifierOptions {
  at::Device device = at::kCPU;
  Precision precision = Precision::fp32;
  int batch_size = 8;  ///< rows of the batches to expect, >= 1: with so many, preparations are measured
  int lanes = 1;       ///< batches that are under way at once, each with its part of the memory
  /// Measure for a second or two how the model runs best, with answers that agree with those of the model as
  /// exported; else it is run as exported.
  bool tune = false;
  /// What tuning() said in an earlier session on the same kind of device: with `tune`, its choices are used
  /// again. Null, or of another kind of device: measure.
  Json tuning = nullptr;
  bool gradients = false;  ///< logits_and_input_gradient() is wanted
  bool features = false;   ///< features() is wanted
};

/// Loads the model that `card` describes and tries it out. Throws ModelError naming the file, what is wrong
/// and what to do, also where `features` are wanted of a model without.
std::unique_ptr<Classifier> open_classifier(const ModelCard& card, const ClassifierOptions& options);

}  // namespace xai
