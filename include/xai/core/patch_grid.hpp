#pragma once

#include <span>
#include <vector>

#include "xai/core/names.hpp"

namespace xai {

/// How a patch set becomes a mask (SPEC 3): soft tents (bilinear, align_corners = true) or hard blocks
/// (nearest).
enum class MaskKind { soft, hard };
template <>
inline constexpr auto names_of<MaskKind> = std::to_array<Named<MaskKind>>({{MaskKind::soft, "soft"},
                                                                           {MaskKind::hard, "hard"}});

/// The 1-D interpolation weights A, size x grid row-major: U = A_h S A_w^T is the visible mask of the g x g
/// indicator S, in [0, 1]^{H x W}. Each row sums to 1. Real: float or double. Needs 2 <= grid <= size, else
/// UsageError.
template <class Real = float>
std::vector<Real> interpolation_matrix(int size, int grid, MaskKind kind);

/// The rows of that matrix at any `positions` (pixels, 0 .. size - 1; outside, the nearest edge's), for
/// images that see the mask elsewhere than at its own pixels: positions.size() x grid row-major. Soft weights
/// are linear in between; hard ones are those of the nearest pixel.
template <class Real = float>
std::vector<Real> interpolation_matrix(std::span<const double> positions, int size, int grid, MaskKind kind);

/// Where one patch ends and the next begins along one side: grid + 1 ascending positions from 0 to size,
/// where pixel i covers [i, i + 1]. Hard: the blocks' borders, round(i * size / grid). Soft: half-way between
/// the tents' centres, where both neighbours weigh one half.
std::vector<double> patch_borders(int size, int grid, MaskKind kind);

}  // namespace xai
