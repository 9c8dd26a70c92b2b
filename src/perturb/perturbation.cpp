#include "xai/perturb/perturbation.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "xai/core/error.hpp"

namespace xai {
namespace {

at::Tensor per_channel(const std::array<double, 3>& values, at::ScalarType type = at::kFloat) {
  return at::tensor(at::ArrayRef<double>(values), type).view({3, 1, 1});
}

at::Tensor blurred(const at::Tensor& image) {
  const int height = static_cast<int>(image.size(1));
  const int width = static_cast<int>(image.size(2));
  const Blur blur = blur_of_height(height);
  at::Tensor result = at::empty_like(image);
  for (int channel = 0; channel < 3; ++channel) {
    const cv::Mat from(height, width, CV_32F, image[channel].data_ptr<float>());
    cv::Mat to(height, width, CV_32F, result[channel].data_ptr<float>());
    cv::GaussianBlur(from, to, {blur.kernel, blur.kernel}, blur.sigma, blur.sigma, cv::BORDER_REFLECT_101);
  }
  return result;
}

template <class Real>
at::Tensor weights_of(const MaskSide& side, int grid, MaskKind kind) {
  const std::vector<Real> values = interpolation_matrix<Real>(side.positions, side.size, grid, kind);
  return at::tensor(at::ArrayRef<Real>(values)).view({-1, grid});
}

/// Pixels x grid.
at::Tensor weights(const MaskSide& side, int grid, MaskKind kind, const at::TensorOptions& options) {
  const bool in_double = options.dtype() == at::kDouble;
  return (in_double ? weights_of<double>(side, grid, kind) : weights_of<float>(side, grid, kind)).to(options);
}

MaskSide own_pixels(int size) {
  MaskSide side{size, std::vector<double>(std::max(size, 0))};
  std::iota(side.positions.begin(), side.positions.end(), 0);
  return side;
}

/// Calls use(image, first, last) for each run of rows of one image.
template <class Use>
void for_each_run(std::span<const MaskableImage* const> images, Use use) {
  for (std::size_t begin = 0, end = 0; begin < images.size(); begin = end) {
    while (end < images.size() && images[end] == images[begin]) ++end;
    use(*images[begin], static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end));
  }
}

}  // namespace

Blur blur_of_height(int height) {
  const int kernel = 2 * (51 * height / 448) + 1;
  return {kernel, kernel - 1.0};
}

at::Tensor make_baseline(const at::Tensor& image, Baseline baseline, const std::array<double, 3>& mean) {
  switch (baseline) {
    case Baseline::blur:
      return blurred(image);
    case Baseline::black:
      return at::zeros_like(image);
    case Baseline::mean:
      return per_channel(mean).expand_as(image).contiguous();
    case Baseline::gray:
      return at::full_like(image, 0.5);
  }
  throw UsageError("unknown baseline");
}

at::Tensor normalise(const at::Tensor& image, const std::array<double, 3>& mean,
                     const std::array<double, 3>& std) {
  const at::ScalarType type = image.scalar_type();
  return (image - per_channel(mean, type)) / per_channel(std, type);
}

MaskableImage make_maskable(const at::Tensor& image, const at::Tensor& baseline,
                            const std::array<double, 3>& mean, const std::array<double, 3>& std,
                            const at::TensorOptions& options) {
  const at::ScalarType type = c10::typeMetaToScalarType(options.dtype());
  const at::Tensor x = image.to(type), b = baseline.to(type);
  return {normalise(b, mean, std).to(options), ((x - b) / per_channel(std, type)).to(options)};
}

MaskComposer::MaskComposer(int height, int width, int grid, MaskKind kind, const at::TensorOptions& options)
    : MaskComposer(own_pixels(height), own_pixels(width), grid, kind, options) {}

MaskComposer::MaskComposer(const MaskSide& vertical, const MaskSide& horizontal, int grid, MaskKind kind,
                           const at::TensorOptions& options)
    : vertical_(weights(vertical, grid, kind, options)),
      horizontal_(weights(horizontal, grid, kind, options).t().contiguous()),
      grid_(grid) {}

at::Tensor MaskComposer::upsample(const at::Tensor& cells) const {
  return vertical_.matmul(cells.matmul(horizontal_));
}

at::Tensor MaskComposer::pull_back(const at::Tensor& pixels) const {
  return vertical_.t().matmul(pixels).matmul(horizontal_.t());
}

SoftMasks::SoftMasks(const MaskComposer& composer, const at::Tensor& cells, const at::Tensor& offset,
                     const at::Tensor& scale)
    : composer_(composer), factors_(composer.upsample(cells)), scale_(scale.view({-1, 1, 1})) {
  const at::Tensor product = factors_.size(0) == 1 ? factors_[0] : factors_.prod(0);
  visible_ = at::addcmul(offset.view({-1, 1, 1}), scale_, product);
}

at::Tensor SoftMasks::pull_back(const at::Tensor& gradient) const {
  const at::Tensor of_product = scale_ * gradient;
  // the derivative of a product of two with respect to one is the other
  const at::Tensor of_factors =
      factors_.size(0) == 1 ? of_product.unsqueeze(0) : of_product * factors_.flip(0);
  return composer_.pull_back(of_factors);
}

void mix(std::span<const MaskableImage* const> images, const at::Tensor& visible, at::Tensor& batch) {
  const at::Tensor v = visible.unsqueeze(1);
  for_each_run(images, [&](const MaskableImage& image, std::int64_t first, std::int64_t last) {
    at::Tensor out = batch.slice(0, first, last);
    at::addcmul_out(out, image.baseline, v.slice(0, first, last), image.difference);  // one fused pass
  });
}

at::Tensor mix_back(std::span<const MaskableImage* const> images, const at::Tensor& gradient) {
  std::vector<at::Tensor> runs;
  for_each_run(images, [&](const MaskableImage& image, std::int64_t first, std::int64_t last) {
    runs.push_back(gradient.slice(0, first, last).mul(image.difference).sum(1));
  });
  return at::cat(runs);
}

}  // namespace xai
