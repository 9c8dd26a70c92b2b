#include "xai/perturb/perturbation.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <opencv2/imgproc.hpp>

#include "xai/core/error.hpp"

namespace xai {
namespace {

at::Tensor per_channel(const std::array<double, 3>& values) {
  return at::tensor(at::ArrayRef<double>(values), at::kFloat).view({3, 1, 1});
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

at::Tensor to_matrix(const std::vector<float>& values, int rows, int columns) {
  return at::tensor(at::ArrayRef<float>(values)).view({rows, columns});
}

}  // namespace

std::string_view name(Baseline baseline) {
  switch (baseline) {
    case Baseline::blur:
      return "blur";
    case Baseline::black:
      return "black";
    case Baseline::mean:
      return "mean";
    case Baseline::gray:
      return "gray";
  }
  return "";
}

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

MaskableImage make_maskable(const at::Tensor& image, const at::Tensor& baseline,
                            const std::array<double, 3>& mean, const std::array<double, 3>& std,
                            const at::Device& device) {
  const at::Tensor scale = per_channel(std);
  return {((baseline - per_channel(mean)) / scale).to(device), ((image - baseline) / scale).to(device)};
}

MaskComposer::MaskComposer(int height, int width, int grid, MaskKind kind, const at::Device& device)
    : vertical_(to_matrix(interpolation_matrix(height, grid, kind), height, grid).to(device)),
      horizontal_(
          to_matrix(interpolation_matrix(width, grid, kind), width, grid).t().contiguous().to(device)),
      grid_(grid),
      device_(device) {}

at::Tensor MaskComposer::masks(std::span<const PatchSet> visible) const {
  const auto count = static_cast<std::int64_t>(visible.size());
  at::Tensor indicators =
      at::zeros({count, grid_, grid_}, at::TensorOptions().pinned_memory(device_.is_cuda()));
  float* row = indicators.data_ptr<float>();
  for (const PatchSet& set : visible) {
    for (const int p : set.patches()) row[p] = 1;
    row += grid_ * grid_;
  }
  return vertical_.matmul(indicators.to(device_, /*non_blocking=*/true).matmul(horizontal_));
}

void MaskComposer::compose(std::span<const MaskedRow> rows, at::Tensor& batch) const {
  std::vector<PatchSet> visible;
  visible.reserve(rows.size());
  for (const MaskedRow& row : rows) visible.push_back(row.visible);
  const at::Tensor u = masks(visible).unsqueeze(1);

  // rows of one image stand together: one fused pass for each run of them
  for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    while (end < rows.size() && rows[end].image == rows[begin].image) ++end;
    const auto first = static_cast<std::int64_t>(begin), last = static_cast<std::int64_t>(end);
    at::Tensor out = batch.slice(0, first, last);
    const MaskableImage& image = *rows[begin].image;
    at::addcmul_out(out, image.baseline, u.slice(0, first, last), image.difference);
  }
}

}  // namespace xai
