#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "xai/core/names.hpp"
#include "xai/core/patch_grid.hpp"

namespace xai {

/// What stands where an image is hidden (SPEC 3): a blurred copy, 0, the card's mean, or 0.5.
enum class Baseline { blur, black, mean, gray };
template <>
inline constexpr auto names_of<Baseline> = std::to_array<Named<Baseline>>({{Baseline::blur, "blur"},
                                                                           {Baseline::black, "black"},
                                                                           {Baseline::mean, "mean"},
                                                                           {Baseline::gray, "gray"}});

/// The Gaussian of the `blur` baseline for an image of height H: kernel 2 * floor(51 * H / 448) + 1, sigma =
/// kernel - 1.
struct Blur {
  int kernel;    ///< pixels, odd
  double sigma;  ///< pixels
};
Blur blur_of_height(int height);

/// The baseline b of an image x. Both 3 x H x W float32 RGB in [0,1], contiguous, on the CPU.
/// `mean`: the card's mean, RGB in [0,1].
at::Tensor make_baseline(const at::Tensor& image, Baseline baseline, const std::array<double, 3>& mean);

/// (image - mean) / std, per channel: 3 x H x W to the same. `mean` and `std`: the card's, RGB.
at::Tensor normalise(const at::Tensor& image, const std::array<double, 3>& mean,
                     const std::array<double, 3>& std);

/// One image as the composer wants it: 3 x H x W, normalised, on the device that composes, of its type.
struct MaskableImage {
  at::Tensor baseline;    ///< (b - mean) / std
  at::Tensor difference;  ///< (x - b) / std
};

/// `image` and `baseline`: 3 x H x W in [0,1]; `mean` and `std`: the card's, RGB. `options`: a device, and
/// float32 unless they say otherwise.
MaskableImage make_maskable(const at::Tensor& image, const at::Tensor& baseline,
                            const std::array<double, 3>& mean, const std::array<double, 3>& std,
                            const at::TensorOptions& options);

/// Where the pixels of one side of an image look at a mask that has `size` pixels a side, counted from 0.
struct MaskSide {
  int size;
  std::vector<double> positions;
};

/// Visible masks from cells (SPEC 3): U(M) = A M A^T, with A the interpolation matrix of core/patch_grid.hpp.
/// A patch set S is the M that is 1 at its patches and 0 elsewhere.
class MaskComposer {
 public:
  /// Images of H x W pixels, cells (patches) of a grid x grid raster; everything is composed where `options`
  /// says: a device, and float32 unless they say otherwise.
  MaskComposer(int height, int width, int grid, MaskKind kind, const at::TensorOptions& options);
  /// For images that see the mask elsewhere than at its own pixels.
  MaskComposer(const MaskSide& vertical, const MaskSide& horizontal, int grid, MaskKind kind,
               const at::TensorOptions& options);

  int grid() const { return grid_; }

  /// Cells to pixels, A M A^T: N x g x g to N x H x W, on the device.
  at::Tensor upsample(const at::Tensor& cells) const;
  /// Its adjoint, A^T G A: what a gradient at the pixels is at the cells. N x H x W to N x g x g.
  at::Tensor pull_back(const at::Tensor& pixels) const;

 private:
  at::Tensor vertical_;    // H x g
  at::Tensor horizontal_;  // g x W
  int grid_;
};

/// N visible masks from real cells: V = offset + scale * product over f of U(M_f).
class SoftMasks {
 public:
  /// `cells`: F x N x g x g, the factors M_f; `offset`, `scale`: N. All on the composer's device; it outlives
  /// this.
  SoftMasks(const MaskComposer& composer, const at::Tensor& cells, const at::Tensor& offset,
            const at::Tensor& scale);

  /// V: N x H x W.
  const at::Tensor& visible() const { return visible_; }
  /// The gradient with respect to the cells, F x N x g x g, of what has `gradient` (N x H x W) with respect
  /// to V. F is 1 or 2.
  at::Tensor pull_back(const at::Tensor& gradient) const;

 private:
  const MaskComposer& composer_;
  at::Tensor factors_;  // F x N x H x W
  at::Tensor scale_;    // N x 1 x 1
  at::Tensor visible_;
};

/// Writes b + V * (x - b), normalised, into the first images.size() images of `batch`, N x 3 x H x W; row n
/// of `visible` (N x H x W) belongs to *images[n]. Rows of one image should stand together.
void mix(std::span<const MaskableImage* const> images, const at::Tensor& visible, at::Tensor& batch);

/// The adjoint of mix(): the gradient with respect to V, N x H x W, of what has `gradient` (N x 3 x H x W)
/// with respect to the mixed images: the sum over channels of gradient * (x - b).
at::Tensor mix_back(std::span<const MaskableImage* const> images, const at::Tensor& gradient);

}  // namespace xai
