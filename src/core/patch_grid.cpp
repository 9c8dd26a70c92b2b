#include "xai/core/patch_grid.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "xai/core/error.hpp"

namespace xai {
namespace {

void check(int size, int grid) {
  require(grid >= 2, "a grid needs at least 2 patches a side, not ", grid);
  require(grid <= size, "a grid of ", grid, " patches a side does not fit ", size,
          " pixels; use a smaller grid");
}

/// floor(i * size / grid + 1/2)
int block_border(int i, int size, int grid) {
  return (2 * i * size + grid) / (2 * grid);
}

}  // namespace

template <class Real>
std::vector<Real> interpolation_matrix(int size, int grid, MaskKind kind) {
  std::vector<double> pixels(std::max(size, 0));
  std::iota(pixels.begin(), pixels.end(), 0);
  return interpolation_matrix<Real>(pixels, size, grid, kind);
}

template <class Real>
std::vector<Real> interpolation_matrix(std::span<const double> positions, int size, int grid, MaskKind kind) {
  check(size, grid);
  std::vector<Real> weights(positions.size() * static_cast<std::size_t>(grid));
  Real* row = weights.data();
  for (const double anywhere : positions) {
    const double position = std::clamp(anywhere, 0.0, size - 1.0);
    if (kind == MaskKind::hard) {
      int patch = 0;
      while (block_border(patch + 1, size, grid) <= static_cast<int>(position + 0.5)) ++patch;
      row[patch] = 1;
    } else {
      const double steps = position * (grid - 1);  // of 1 / (size - 1) of a patch
      const double remainder = std::fmod(steps, size - 1);
      const auto left = std::lround((steps - remainder) / (size - 1));
      const Real to_right = static_cast<Real>(remainder) / static_cast<Real>(size - 1);
      row[left] = 1 - to_right;
      if (remainder > 0) row[left + 1] = to_right;
    }
    row += grid;
  }
  return weights;
}

template std::vector<float> interpolation_matrix<float>(int, int, MaskKind);
template std::vector<double> interpolation_matrix<double>(int, int, MaskKind);
template std::vector<float> interpolation_matrix<float>(std::span<const double>, int, int, MaskKind);
template std::vector<double> interpolation_matrix<double>(std::span<const double>, int, int, MaskKind);

std::vector<double> patch_borders(int size, int grid, MaskKind kind) {
  check(size, grid);
  std::vector<double> borders(grid + 1, 0);
  for (int i = 1; i < grid; ++i)
    borders[i] = kind == MaskKind::hard
                     ? block_border(i, size, grid)
                     : (i - 0.5) * (size - 1) / (grid - 1) + 0.5;  // a pixel's centre is at + 1/2
  borders[grid] = size;
  return borders;
}

}  // namespace xai
