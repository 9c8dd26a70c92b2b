#include "xai/core/patch_grid.hpp"

#include <cstddef>

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

std::string_view name(MaskKind kind) {
  return kind == MaskKind::soft ? "soft" : "hard";
}

template <class Real>
std::vector<Real> interpolation_matrix(int size, int grid, MaskKind kind) {
  check(size, grid);
  std::vector<Real> weights(static_cast<std::size_t>(size) * grid);
  const auto weight = [&](int pixel, int patch) -> Real& {
    return weights[static_cast<std::size_t>(pixel) * grid + patch];
  };
  if (kind == MaskKind::hard) {
    for (int patch = 0; patch < grid; ++patch)
      for (int i = block_border(patch, size, grid); i < block_border(patch + 1, size, grid); ++i)
        weight(i, patch) = 1;
    return weights;
  }
  for (int i = 0; i < size; ++i) {
    const int left = i * (grid - 1) / (size - 1);
    const int remainder = i * (grid - 1) % (size - 1);
    const Real to_right = static_cast<Real>(remainder) / static_cast<Real>(size - 1);
    weight(i, left) = 1 - to_right;
    if (remainder > 0) weight(i, left + 1) = to_right;
  }
  return weights;
}

template std::vector<float> interpolation_matrix<float>(int, int, MaskKind);
template std::vector<double> interpolation_matrix<double>(int, int, MaskKind);

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
