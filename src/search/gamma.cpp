#include "gamma.hpp"

#include <cmath>

namespace xai::internal {
namespace {

/// The regularised lower incomplete gamma function: by its series, or beyond the bulk by the continued
/// fraction of the upper one (Lentz).
double gamma_share(double shape, double x) {
  const double log_factor = shape * std::log(x) - x - std::lgamma(shape);
  if (x < shape + 1) {
    double term = 1 / shape;
    double sum = term;
    for (double n = shape + 1; term > sum * 1e-15; ++n) sum += term *= x / n;
    return sum * std::exp(log_factor);
  }
  constexpr double tiny = 1e-300;
  double b = x + 1 - shape;
  double c = 1 / tiny;
  double d = 1 / b;
  double fraction = d;
  for (int i = 1; i < 100'000; ++i) {
    const double a = -i * (i - shape);
    b += 2;
    d = a * d + b;
    d = 1 / (std::abs(d) < tiny ? tiny : d);
    c = b + a / c;
    if (std::abs(c) < tiny) c = tiny;
    fraction *= d * c;
    if (std::abs(d * c - 1) < 1e-14) break;
  }
  return 1 - fraction * std::exp(log_factor);
}

}  // namespace

double gamma_quantile(double p, double shape) {
  double low = -800;  // of the logarithm
  double high = std::log(shape + 50 * (1 + std::sqrt(shape)));
  for (int step = 0; step < 200 && high - low > 1e-12; ++step) {
    const double middle = (low + high) / 2;
    (gamma_share(shape, std::exp(middle)) < p ? low : high) = middle;
  }
  return std::exp((low + high) / 2);
}

}  // namespace xai::internal
