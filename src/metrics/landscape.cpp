#include "xai/metrics/landscape.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>

#include "xai/core/error.hpp"

namespace xai {
namespace {

/// N of an N x N matrix.
int side_of(std::span<const double> matrix) {
  const auto n = static_cast<int>(std::lround(std::sqrt(static_cast<double>(matrix.size()))));
  require<Error>(n >= 2 && matrix.size() == static_cast<std::size_t>(n) * n, "a matrix of ", matrix.size(),
                 " numbers is not N x N with N >= 2");
  return n;
}

/// J K J.
cv::Mat centred(const cv::Mat& kernel) {
  const cv::Mat j = cv::Mat::eye(kernel.size(), CV_64F) -
                    cv::Mat::ones(kernel.size(), CV_64F) / static_cast<double>(kernel.rows);
  return j * kernel * j;
}

/// 1, or -1 where the first entry of largest magnitude is negative. Magnitudes that differ by rounding only
/// count as equal.
double sign_of(const cv::Mat& axis) {
  const double largest = cv::norm(axis, cv::NORM_INF);
  const auto first = std::find_if(axis.begin<double>(), axis.end<double>(),
                                  [&](double entry) { return std::abs(entry) >= (1 - 1e-9) * largest; });
  return *first < 0 ? -1 : 1;
}

}  // namespace

Landscape kernel_pca(std::span<const double> kernel) {
  const int n = side_of(kernel);
  cv::Mat k(n, n, CV_64F);
  std::copy(kernel.begin(), kernel.end(), k.begin<double>());
  require<Error>(cv::checkRange(k) && cv::norm(k, k.t(), cv::NORM_INF) <= 1e-12 * cv::norm(k, cv::NORM_INF),
                 "a kernel must be finite and symmetric");

  cv::Mat eigenvalues, axes;  // descending; one axis a row
  cv::eigen(centred(k), eigenvalues, axes);
  const double all = cv::norm(eigenvalues, cv::NORM_L1);
  const double noise = 1e-12 * std::max(cv::norm(k, cv::NORM_INF), cv::norm(eigenvalues, cv::NORM_INF));
  Landscape landscape;
  landscape.points.resize(n);
  for (int d = 0; d < 2; ++d) {
    const double value = eigenvalues.at<double>(d);
    if (std::abs(value) <= noise) continue;
    landscape.eigenvalues[d] = value;
    if (value < 0) continue;
    landscape.explained[d] = value / all;
    const double scale = sign_of(axes.row(d)) * std::sqrt(value);
    for (int i = 0; i < n; ++i) landscape.points[i][d] = scale * axes.at<double>(d, i);
  }
  return landscape;
}

Landscape classical_mds(std::span<const double> distances) {
  std::vector<double> kernel;
  for (const double distance : distances) kernel.push_back(-distance * distance / 2);
  return kernel_pca(kernel);
}

std::vector<double> model_distances(std::span<const double> matrix) {
  const int n = side_of(matrix);
  const auto at = [&](int row, int column) { return matrix[row * n + column]; };
  std::vector<double> distances;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      double squares = 0;
      for (int k = 0; k < n; ++k)
        squares += std::pow(at(i, k) - at(j, k), 2) + std::pow(at(k, i) - at(k, j), 2);
      distances.push_back(std::sqrt(squares));
    }
  return distances;
}

}  // namespace xai
