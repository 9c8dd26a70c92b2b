#include "xai/saliency/gradcam.hpp"

#include <ATen/ATen.h>

#include "xai/core/error.hpp"

namespace xai {

at::Tensor gradcam(Classifier& classifier, const at::Tensor& image, int target, int size) {
  const Features found = classifier.features(image.to(classifier.device()).unsqueeze(0),
                                             at::full({1}, target, at::kLong).to(classifier.device()));
  const at::Tensor maps = found.maps[0].cpu(), gradient = found.gradient[0].cpu();
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

}  // namespace xai
