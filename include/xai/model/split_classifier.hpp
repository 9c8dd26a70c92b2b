#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>

#include "xai/model/model_card.hpp"

namespace xai {

/// A classifier cut behind its last feature map, for Grad-CAM: NAME.features.pt and NAME.head.pt, in float32.
class SplitClassifier {
 public:
  /// Loads the parts that `card` names. Throws ModelError where it names none (an architecture without a last
  /// feature map), or a part is missing or unlike its card.
  SplitClassifier(const ModelCard& card, const at::Device& device);
  ~SplitClassifier();

  struct Features {
    at::Tensor maps;      ///< A: C x h x w float32
    at::Tensor gradient;  ///< of the logit of the class with respect to A, the same
  };
  /// `image`: 3 x H x W float32, normalised. Throws ModelError, or what the allocator throws.
  Features features(const at::Tensor& image, int target) const;

 private:
  struct Parts;  // keeps TorchScript's headers out of this one

  at::Device device_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace xai
