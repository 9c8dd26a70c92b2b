#include "xai/saliency/gradcam.hpp"

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "xai/core/error.hpp"

namespace xai {
namespace {

/// V = 1 at every pixel.
MaskQuestion features_of_intact_image() {
  return {.masks = at::ones({1, 1, 1}), .offset = 1, .scale = 0, .want = Want::features};
}

at::Tensor map_of(const Features& features, int size) {
  const auto& [maps, gradient] = features;
  require<DataError>(
      at::isfinite(maps).all().item<bool>() && at::isfinite(gradient).all().item<bool>(),
      "the model's feature maps or their gradients are not finite (NaN or infinity) for this image");
  const at::Tensor weights = gradient.mean({1, 2}, /*keepdim=*/true);
  const at::Tensor map = (weights * maps).sum(0).relu().unsqueeze(0).unsqueeze(0);
  const at::Tensor resampled = size >= map.size(2) && size >= map.size(3)
                                   ? at::upsample_bilinear2d(map, {size, size}, /*align_corners=*/false)
                                   : at::adaptive_avg_pool2d(map, {size, size});
  return resampled[0][0].contiguous();
}

}  // namespace

Task<at::Tensor> gradcam(MaskScorer& scorer, int size) {
  std::vector<MaskQuestion> questions(1, features_of_intact_image());
  const std::vector<MaskAnswer> answers = co_await scorer.answers(std::move(questions));
  co_return map_of(answers.front().features, size);
}

}  // namespace xai
