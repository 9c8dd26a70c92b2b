#include "xai/model/split_classifier.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "torchscript.hpp"
#include "xai/core/error.hpp"
#include "xai/model/classifier.hpp"

namespace xai {

struct SplitClassifier::Parts {
  torch::jit::Module features;
  torch::jit::Module head;
};

SplitClassifier::SplitClassifier(const ModelCard& card, const at::Device& device) : device_(device) {
  require<ModelError>(
      card.gradcam.has_value(), "model ", card.name,
      " has no last feature map that its card knows of, so there is no Grad-CAM of it; use another "
      "--method, or export the model again with scripts/export_models.py");
  const GradCamFiles& files = *card.gradcam;
  parts_ = std::make_unique<Parts>(Parts{load_torchscript(files.features, files.features_sha256, device),
                                         load_torchscript(files.head, files.head_sha256, device)});
}

SplitClassifier::~SplitClassifier() = default;

SplitClassifier::Features SplitClassifier::features(const at::Tensor& image, int target) const {
  try {
    // two equal rows: torch 2.11's backward of batch norm on a CPU is wrong for a batch of one
    const at::Tensor batch = image.to(device_).unsqueeze(0).repeat({2, 1, 1, 1});
    at::Tensor maps;
    {
      const at::NoGradGuard no_gradients;
      maps = parts_->features.forward({batch}).toTensor();
    }
    const at::AutoGradMode gradients_on(true);
    maps = maps.detach().requires_grad_();
    const at::Tensor logits = parts_->head.forward({maps}).toTensor();
    const at::Tensor gradient = torch::autograd::grad({logits.select(1, target).sum()}, {maps}).front();
    return {maps.detach()[0].cpu(), gradient[0].cpu()};
  } catch (const std::exception& error) {
    if (is_out_of_memory(error)) throw;
    throw ModelError(cat("the parts of the model for Grad-CAM failed: ", torchscript_reason(error)));
  }
}

}  // namespace xai
