#pragma once

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/script.h>

#include <functional>
#include <string>

#include "xai/core/task.hpp"
#include "xai/engine/mask_scorer.hpp"
#include "xai/perturb/perturbation.hpp"

namespace xai::testing {

inline constexpr int pixels = 18, cells = 6;

inline at::Tensor uniform(std::vector<std::int64_t> shape, std::uint64_t seed) {
  return at::rand(shape, at::detail::createCPUGenerator(seed), at::kDouble);
}

/// Answers mask questions about one image in double precision, with automatic differentiation through a
/// TorchScript model ("def forward(self, x): ...", N x 3 x 18 x 18 to logits): no engine, no closed form.
class ToyModel {
 public:
  explicit ToyModel(const std::string& source, int target = 1) : target_(target) {
    module_.define(source + "\n");
  }

  MaskAnswer operator()(const MaskQuestion& question) const {
    const bool gradient = question.want == Want::gradient;
    const c10::AutoGradMode gradients_on(gradient);
    const at::Tensor masks = question.masks.detach().clone().to(at::kDouble).requires_grad_(gradient);
    const at::Tensor visible =
        question.offset + question.scale * composer.upsample(masks).prod(0);  // 18 x 18
    at::Tensor image = maskable.baseline + visible * maskable.difference;
    if (question.noise > 0)
      image = image + question.noise * at::randn({3, pixels, pixels},
                                                 at::detail::createCPUGenerator(question.noise_seed),
                                                 at::kDouble);
    const at::Tensor p = module_.forward({image.unsqueeze(0)}).toTensor().softmax(1)[0][target_];
    MaskAnswer answer{p.item<double>(), {}};
    if (gradient) answer.gradient = torch::autograd::grad({p}, {masks}).front();
    return answer;
  }

  /// Runs an analysis to its end.
  template <class T>
  T run(MaskScorer& scorer, Task<T> analysis) const {
    analysis.start();
    while (!analysis.done()) {
      for (const Want want : {Want::probability, Want::gradient})
        for (const MaskSlot& slot : scorer.take(scorer.queued(want), want)) {
          *slot.answer = (*this)(*slot.question);
          scorer.answered();
        }
      scorer.resume();
    }
    return analysis.result();
  }

  MaskComposer composer{pixels, pixels, cells, MaskKind::soft, at::kDouble};
  MaskableImage maskable{uniform({3, pixels, pixels}, 1) - 0.5, uniform({3, pixels, pixels}, 2) - 0.5};
  at::Tensor image() const { return maskable.baseline + maskable.difference; }

 private:
  mutable torch::jit::Module module_{"toy"};
  int target_;
};

/// A smooth model whose gradients differ everywhere.
inline const std::string wavy_model = R"(
def forward(self, x):
    k = 3 * torch.sin(torch.arange(324, dtype=x.dtype)).reshape(12, 3, 3, 3)
    y = torch.tanh(torch.conv2d(x, k, None, [2, 2], [1, 1])).mean([2, 3])
    return 30 * torch.mm(y, torch.cos(torch.arange(36, dtype=x.dtype)).reshape(12, 3))
)";

/// Class 1 is how much of the image's bright evidence shows in rows 6..11, columns 0..5; the rest is ignored.
inline const std::string planted_model = R"(
def forward(self, x):
    evidence = x[:, :, 6:12, 0:6].mean([1, 2, 3])
    zero = torch.zeros_like(evidence)
    return torch.stack([zero, 8 * evidence, zero], 1)
)";

}  // namespace xai::testing
