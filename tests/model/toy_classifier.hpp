#pragma once

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cstdint>
#include <mutex>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "xai/model/classifier.hpp"

namespace xai::testing {

/// A model in plain code: logits, gradients and features by automatic differentiation of evaluate(). Notes
/// the batches it sees and runs out of memory on purpose.
class ToyClassifier : public Classifier {
 public:
  ToyClassifier(std::string name, int height, int width, int classes, std::array<double, 3> mean,
                std::array<double, 3> std) {
    card_.name = std::move(name);
    card_.height = height;
    card_.width = width;
    card_.resize = std::max(height, width);
    card_.classes = classes;
    card_.mean = mean;
    card_.std = std;
  }
  const ModelCard& card() const override { return card_; }
  at::Device device() const override { return at::kCPU; }

  at::Tensor logits(const at::Tensor& batch) override {
    note(forward_batches, batch.size(0));
    return evaluate(batch);
  }
  LogitsAndGradient logits_and_input_gradient(const at::Tensor& batch, const at::Tensor& classes) override {
    note(backward_batches, batch.size(0));
    const c10::InferenceMode off(false);
    const c10::AutoGradMode gradients_on(true);
    const at::Tensor input = batch.clone().requires_grad_();
    const at::Tensor logits = evaluate(input);
    const at::Tensor p = logits.softmax(1).gather(1, classes.clone().unsqueeze(1)).sum();
    return {logits.detach(), torch::autograd::grad({p}, {input}).front()};
  }
  Features features(const at::Tensor& batch, const at::Tensor& classes) override {
    note(feature_batches, batch.size(0));
    const c10::InferenceMode off(false);
    const c10::AutoGradMode gradients_on(true);
    const at::Tensor maps = maps_of(batch.clone()).detach().requires_grad_();
    const at::Tensor logit = head(maps).gather(1, classes.clone().unsqueeze(1)).sum();
    return {maps.detach(), torch::autograd::grad({logit}, {maps}).front()};
  }

  std::int64_t rows() const {
    return std::accumulate(forward_batches.begin(), forward_batches.end(), std::int64_t{0});
  }

  std::vector<std::int64_t> forward_batches, backward_batches, feature_batches;
  std::int64_t most_rows = 1'000'000;  ///< larger batches do not fit into memory

 protected:
  /// Logits of N x 3 x H x W, as a function that can be differentiated.
  virtual at::Tensor evaluate(const at::Tensor& batch) const { return head(maps_of(batch)); }
  /// The two halves of a model with a last feature map.
  virtual at::Tensor maps_of(const at::Tensor& batch) const { return batch; }
  virtual at::Tensor head(const at::Tensor& maps) const { return maps; }

  ModelCard card_;

 private:
  void note(std::vector<std::int64_t>& batches, std::int64_t size) {
    const std::lock_guard lock(mutex_);
    batches.push_back(size);
    if (size > most_rows) throw c10::OutOfMemoryError({__func__, __FILE__, __LINE__}, "injected");
  }

  std::mutex mutex_;
};

}  // namespace xai::testing
