#pragma once

#include <array>
#include <span>
#include <vector>

namespace xai {

// N models as points in the plane, from an N x N matrix about them (row by row, N >= 2), SPEC 7.

/// The models' coordinates on two axes, those of the largest eigenvalues of a centred kernel. A model's
/// coordinate on an axis is its entry in the unit eigenvector, times the square root of the eigenvalue; it is
/// 0 for every model where the eigenvalue is not positive. An eigenvector's sign is arbitrary: here its first
/// entry of largest magnitude is positive. So are the axes of two equal eigenvalues: any two at right angles
/// in their plane.
struct Landscape {
  std::vector<std::array<double, 2>> points;
  std::array<double, 2> eigenvalues = {};  ///< the largest two; 0 where within rounding (relative 1e-12) of 0
  std::array<double, 2> explained = {};    ///< each, if positive, / sum of the magnitudes of all; else 0
};

/// Kernel PCA (Schoelkopf et al. 1998) of a symmetric kernel, which is centred here: J K J, J = I - 1/N. A
/// kernel that is not positive semi-definite, as cross-testing gives, is taken as it is (scikit-learn's
/// KernelPCA fails where the axes asked for are negative). Throws Error where K is not finite and symmetric.
Landscape kernel_pca(std::span<const double> kernel);

/// Classical multidimensional scaling (Torgerson 1952) of symmetric distances: the same with -1/2 D^2.
Landscape classical_mds(std::span<const double> distances);

/// Euclidean distances between the models' rows and columns of a cross-testing matrix C, N x N:
/// d_ij^2 = sum_k (C_ik - C_jk)^2 + (C_ki - C_kj)^2.
std::vector<double> model_distances(std::span<const double> matrix);

}  // namespace xai
