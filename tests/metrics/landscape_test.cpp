#include "xai/metrics/landscape.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <fstream>
#include <limits>
#include <numeric>

#include "python.hpp"
#include "temporary_folder.hpp"
#include "xai/core/error.hpp"
#include "xai/core/random.hpp"

namespace xai {
namespace {

using Points = std::vector<std::complex<double>>;

Points points_of(const Landscape& landscape) {
  Points points;
  for (const auto& [x, y] : landscape.points) points.emplace_back(x, y);
  return points;
}

std::vector<double> distances_of(const Points& points) {
  std::vector<double> distances;
  for (const auto& p : points)
    for (const auto& q : points) distances.push_back(std::abs(p - q));
  return distances;
}

/// The largest distance between points that were moved, turned and, where that is better, mirrored onto each
/// other: orthogonal Procrustes in the plane, where a turn is a factor of magnitude 1.
double procrustes(Points p, Points q) {
  const double n = static_cast<double>(p.size());
  for (Points* points : {&p, &q}) {
    const auto centre = std::accumulate(points->begin(), points->end(), std::complex<double>()) / n;
    for (auto& point : *points) point -= centre;
  }
  double best = std::numeric_limits<double>::infinity();
  for (const bool mirrored : {false, true}) {
    if (mirrored)
      for (auto& point : p) point = std::conj(point);
    std::complex<double> turn;
    for (std::size_t i = 0; i < p.size(); ++i) turn += q[i] * std::conj(p[i]);
    if (std::abs(turn) > 0) turn /= std::abs(turn);
    double largest = 0;
    for (std::size_t i = 0; i < p.size(); ++i) largest = std::max(largest, std::abs(turn * p[i] - q[i]));
    best = std::min(best, largest);
  }
  return best;
}

Points random_points(int n, std::uint64_t seed) {
  Random random(seed, "points");
  Points points;
  for (int i = 0; i < n; ++i) points.emplace_back(5 + 3 * random.uniform(), random.uniform() - 7);
  return points;
}

/// A kernel with the given eigenvalues on (1, -1, 0) and (1, 1, -2), and 0 on (1, 1, 1).
std::vector<double> kernel_of_three(double first, double second) {
  std::vector<double> kernel;
  for (const auto& [a, b] : {std::pair{1, 1}, {-1, 1}, {0, -2}})
    for (const auto& [c, d] : {std::pair{1, 1}, {-1, 1}, {0, -2}})
      kernel.push_back(first * a * c / 2.0 + second * b * d / 6.0);
  return kernel;
}

TEST(Landscape, ScalingGivesBackPointsInThePlane) {
  for (const int n : {2, 3, 7, 13, 40}) {
    const Points points = random_points(n, n);
    const Landscape landscape = classical_mds(distances_of(points));
    EXPECT_LT(procrustes(points_of(landscape), points), 1e-9) << n;
    const auto expected = distances_of(points), found = distances_of(points_of(landscape));
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-9) << n;
    EXPECT_NEAR(landscape.explained[0] + landscape.explained[1], 1, 1e-9);
    EXPECT_GE(landscape.eigenvalues[0], landscape.eigenvalues[1]);
  }
  EXPECT_GT(procrustes({0, 1, {0, 1}}, {0, 1, {0, 1.5}}), 0.1);  // the ruler measures
}

TEST(Landscape, PointsOnALineHaveOneAxis) {
  const Landscape landscape = classical_mds(std::vector<double>{0, 1, 4, 1, 0, 3, 4, 3, 0});  // 0, 1, 4
  const std::vector<double> expected = {-5 / 3.0, -2 / 3.0, 7 / 3.0};  // largest magnitude positive
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(landscape.points[i][0], expected[i], 1e-12);
    EXPECT_EQ(landscape.points[i][1], 0);
  }
  EXPECT_NEAR(landscape.eigenvalues[0], 26 / 3.0, 1e-12);  // the sum of their squares
  EXPECT_EQ(landscape.eigenvalues[1], 0);
  EXPECT_NEAR(landscape.explained[0], 1, 1e-12);
}

TEST(Landscape, DuplicatesCoincide) {
  Points points = random_points(5, 3);
  points[4] = points[1];
  const Landscape landscape = classical_mds(distances_of(points));
  EXPECT_LT(procrustes(points_of(landscape), points), 1e-9);
  EXPECT_NEAR(landscape.points[4][0], landscape.points[1][0], 1e-9);
  EXPECT_NEAR(landscape.points[4][1], landscape.points[1][1], 1e-9);

  // all of them; centring 0.7 everywhere leaves rounding
  for (const Landscape& one :
       {classical_mds(std::vector<double>(16, 0)), kernel_pca(std::vector<double>(169, 0.7))}) {
    for (const auto& point : one.points) EXPECT_EQ(point, (std::array{0.0, 0.0}));
    EXPECT_EQ(one.explained, (std::array{0.0, 0.0}));
  }
}

TEST(Landscape, TheFirstOfTheLargestEntriesIsPositive) {
  // u = (1, -1, 0) / sqrt 2 has two entries of equal magnitude, v = (1, 1, -2) / sqrt 6 has one
  const Landscape landscape = kernel_pca(kernel_of_three(3, 2));
  EXPECT_NEAR(landscape.points[0][0], std::sqrt(1.5), 1e-12);
  EXPECT_NEAR(landscape.points[1][0], -std::sqrt(1.5), 1e-12);
  EXPECT_NEAR(landscape.points[2][0], 0, 1e-12);
  EXPECT_NEAR(landscape.points[0][1], -std::sqrt(1 / 3.0), 1e-12);
  EXPECT_NEAR(landscape.points[1][1], -std::sqrt(1 / 3.0), 1e-12);
  EXPECT_NEAR(landscape.points[2][1], 2 * std::sqrt(1 / 3.0), 1e-12);
  EXPECT_NEAR(landscape.explained[0], 0.6, 1e-12);
  EXPECT_NEAR(landscape.explained[1], 0.4, 1e-12);
}

TEST(Landscape, NegativeEigenvaluesHaveNoLength) {
  const Landscape one = kernel_pca(kernel_of_three(3, -2));  // eigenvalues 3, 0, -2
  EXPECT_NEAR(one.points[0][0], std::sqrt(1.5), 1e-12);
  for (const auto& point : one.points) EXPECT_EQ(point[1], 0);
  EXPECT_NEAR(one.explained[0], 0.6, 1e-12);  // of 3 + 2
  EXPECT_EQ(one.eigenvalues[1], 0);

  const Landscape none = kernel_pca(kernel_of_three(-3, -2));  // 0, -2, -3
  for (const auto& point : none.points) EXPECT_EQ(point, (std::array{0.0, 0.0}));
  EXPECT_EQ(none.eigenvalues[0], 0);
  EXPECT_NEAR(none.eigenvalues[1], -2, 1e-12);
  EXPECT_EQ(none.explained, (std::array{0.0, 0.0}));
}

TEST(Landscape, TheKernelIsCentred) {
  const auto kernel = kernel_of_three(3, 2);
  auto moved = kernel;  // k_ij + r_i + r_j is the kernel of the same points, moved
  const double r[] = {0.3, -4, 11};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) moved[3 * i + j] += r[i] + r[j];
  const Landscape expected = kernel_pca(kernel), found = kernel_pca(moved);
  for (int i = 0; i < 3; ++i)
    for (int d = 0; d < 2; ++d) EXPECT_NEAR(found.points[i][d], expected.points[i][d], 1e-9);
}

constexpr const char* scikit_learn = R"(
import sys, numpy
from sklearn.decomposition import KernelPCA
numbers = numpy.fromfile(sys.argv[1])
with open(sys.argv[2], "w") as file:
    for n in 3, 6, 13:
        kernel, numbers = numbers[:n * n].reshape(n, n), numbers[n * n:]
        pca = KernelPCA(2, kernel="precomputed")
        numpy.savetxt(file, numpy.vstack([pca.fit_transform(kernel), pca.eigenvalues_]), "%.17g")
)";

// on (C + C^T) / 2 of cross-testing matrices, which have negative eigenvalues
TEST(Landscape, AgreesWithScikitLearn) {
  if (!std::filesystem::exists(python()))
    GTEST_SKIP() << "needs scikit-learn of " << python() << ": run scripts/setup.sh";
  const TemporaryFolder folder;
  std::vector<std::vector<double>> kernels;
  std::ofstream file(folder / "kernels", std::ios::binary);
  for (const int n : {3, 6, 13}) {
    Random random(n, "kernel");
    std::vector<double> c(n * n), kernel;
    for (double& value : c) value = random.uniform();
    for (int i = 0; i < n; ++i) c[n * i + i] += 0.5;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) kernel.push_back((c[n * i + j] + c[n * j + i]) / 2);
    file.write(reinterpret_cast<const char*>(kernel.data()), n * n * 8);
    kernels.push_back(kernel);
  }
  file.close();
  std::ofstream(folder / "code.py") << scikit_learn;
  ASSERT_EQ(std::system(cat("cd ", folder.path(), " && ", python(), " code.py kernels golden").c_str()), 0);

  std::ifstream golden(folder / "golden");
  for (const auto& kernel : kernels) {
    const Landscape landscape = kernel_pca(kernel);
    auto points = landscape.points;
    for (auto& [x, y] : points) golden >> x >> y;
    for (int d = 0; d < 2; ++d) {
      double eigenvalue = 0, same = 0, opposite = 0, largest = 0;
      golden >> eigenvalue;
      ASSERT_TRUE(golden);
      EXPECT_NEAR(landscape.eigenvalues[d], eigenvalue, 1e-12);
      for (std::size_t i = 0; i < points.size(); ++i) {
        same = std::max(same, std::abs(landscape.points[i][d] - points[i][d]));
        opposite = std::max(opposite, std::abs(landscape.points[i][d] + points[i][d]));
        largest = std::max(largest, landscape.points[i][d]);
      }
      EXPECT_LT(std::min(same, opposite), 1e-9) << points.size() << " " << d;
      EXPECT_GT(largest, 0.1);
    }
  }
}

TEST(Landscape, DistancesAreOfRowsAndColumns) {
  // rows 0 and 1 differ by (1, 2, 0), columns 0 and 1 by (-3, -2, 4)
  const auto distances = model_distances(std::vector<double>{1, 4, 2, 0, 2, 2, 5, 1, 7});
  EXPECT_DOUBLE_EQ(distances[1], std::sqrt(1 + 4 + 0 + 9 + 4 + 16));
  EXPECT_DOUBLE_EQ(distances[2], std::sqrt(16 + 9 + 25 + 1 + 4 + 4));
  EXPECT_DOUBLE_EQ(distances[5], std::sqrt(25 + 1 + 25 + 4 + 0 + 36));
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) EXPECT_EQ(distances[3 * i + j], i == j ? 0 : distances[3 * j + i]);
}

TEST(Landscape, RefusesWhatIsNoMatrix) {
  EXPECT_THROW(kernel_pca(std::vector<double>(8)), Error);
  EXPECT_THROW(kernel_pca(std::vector<double>(1)), Error);
  EXPECT_THROW(kernel_pca(std::vector<double>{1, 2, 3, 4}), Error);
  EXPECT_THROW(kernel_pca(std::vector<double>{1, std::nan(""), std::nan(""), 4}), Error);
  EXPECT_THROW(model_distances(std::vector<double>(5)), Error);
}

}  // namespace
}  // namespace xai
