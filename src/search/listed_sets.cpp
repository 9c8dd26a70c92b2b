#include "listed_sets.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "xai/core/checkpoint.hpp"

namespace xai::internal {
namespace {

constexpr double ridge = 0.1;          // pulls the model's coefficients to 0
constexpr double surest = 1e-3;        // no guess is nearer to 0 or 1
constexpr double daring = 0.5;         // draws go by this power of the guess ...
constexpr double careful = 1.0 / 6;    // ... but some by this one,
constexpr double careful_share = 0.1;  // as this share of them does
constexpr double growth_to_refit = 1.05;

/// Solves a x = b for a symmetric, positive definite a (n x n, the lower half is read), by Cholesky.
std::vector<double> solve(std::vector<double> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
    }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  return b;
}

double logistic(double x) {
  return 1 / (1 + std::exp(-x));
}

}  // namespace

ListedSets::ListedSets(int patches)
    : patches_(patches),
      count_(std::uint32_t{1} << patches),
      answers_(count_, -1),
      left_out_(count_, 0),
      log_sufficient_(count_, 0),
      log_insufficient_(count_, 0),
      cumulative_(count_, 0) {}

void ListedSets::learn(const PatchSet& set, bool sufficient) {
  const auto index = static_cast<std::uint32_t>(set.low_bits());
  if (answers_[index] >= 0) return;
  answers_[index] = sufficient ? 1 : 0;
  known_.push_back(index);
}

bool ListedSets::prepare() {
  if (static_cast<double>(known_.size()) > growth_to_refit * static_cast<double>(fitted_on_)) {
    fit();
    guess_all();
    fitted_on_ = known_.size();
  }
  std::vector<double> bold(count_, 0);
  std::vector<double> timid(count_, 0);
  double all_bold = 0;
  double all_timid = 0;
  for (std::uint32_t set = 1; set < count_; ++set) {
    if (left_out_[set] || answers_[set] == 0) continue;
    double log_guess = answers_[set] == 1 ? 0 : log_sufficient_[set];
    bool candidate = true;
    for (auto rest = set; rest != 0 && candidate; rest &= rest - 1) {
      const auto child = set & ~(rest & -rest);
      if (answers_[child] == 1) candidate = false;
      if (answers_[child] < 0) log_guess += log_insufficient_[child];
    }
    if (!candidate) continue;
    all_bold += bold[set] = std::exp(daring * log_guess);
    all_timid += timid[set] = std::exp(careful * log_guess);
  }
  if (all_timid == 0) return false;
  double sum = 0;
  for (std::uint32_t set = 0; set < count_; ++set) {
    sum += (1 - careful_share) * bold[set] / all_bold + careful_share * timid[set] / all_timid;
    cumulative_[set] = sum;
  }
  return true;
}

ListedSets::Draw ListedSets::draw(Random& random) const {
  const double at = random.uniform() * cumulative_.back();
  const auto index = std::upper_bound(cumulative_.begin(), cumulative_.end(), at) - cumulative_.begin();
  const double before = index == 0 ? 0 : cumulative_[index - 1];
  return {PatchSet::from_bits(static_cast<std::uint64_t>(index)),
          std::log(cumulative_.back()) - std::log(cumulative_[index] - before)};
}

/// Maximum likelihood with a ridge, by Newton's method, on the sets whose answers are known.
void ListedSets::fit() {
  sufficient_below_.assign(count_, 0);
  for (const auto set : known_) sufficient_below_[set] = answers_[set] == 1 ? 1.0F : 0.0F;
  insufficient_below_.assign(count_, 0);
  for (const auto set : known_) insufficient_below_[set] = answers_[set] == 0 ? 1.0F : 0.0F;
  sufficient_above_ = sufficient_below_;
  insufficient_above_ = insufficient_below_;
  for (std::uint32_t patch = 1; patch < count_; patch <<= 1)  // sums over all subsets and all supersets
    for (std::uint32_t set = 0; set < count_; ++set) {
      if ((set & patch) == 0) continue;
      sufficient_below_[set] += sufficient_below_[set ^ patch];
      insufficient_below_[set] += insufficient_below_[set ^ patch];
    }
  for (std::uint32_t patch = 1; patch < count_; patch <<= 1)
    for (std::uint32_t set = 0; set < count_; ++set) {
      if ((set & patch) != 0) continue;
      sufficient_above_[set] += sufficient_above_[set ^ patch];
      insufficient_above_[set] += insufficient_above_[set ^ patch];
    }

  const auto n = static_cast<std::size_t>(patches_ + extra);
  std::vector<double> x(known_.size() * n);
  for (std::size_t i = 0; i < known_.size(); ++i) features(known_[i], &x[i * n]);
  model_.assign(n, 0);
  for (int step = 0; step < 10; ++step) {
    checkpoint();
    std::vector<double> hessian(n * n, 0);
    std::vector<double> gradient(n, 0);
    for (std::size_t row = 0; row < known_.size(); ++row) {
      const double* const f = &x[row * n];
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += model_[i] * f[i];
      const double guess = logistic(sum);
      const double curvature = std::max(guess * (1 - guess), 1e-4);
      for (std::size_t i = 0; i < n; ++i) {
        if (f[i] == 0) continue;
        gradient[i] += (answers_[known_[row]] - guess) * f[i];
        for (std::size_t j = 0; j <= i; ++j) hessian[i * n + j] += curvature * f[i] * f[j];
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      hessian[i * n + i] += ridge;
      gradient[i] -= ridge * model_[i];
    }
    const auto change = solve(std::move(hessian), std::move(gradient));
    double largest = 0;
    for (std::size_t i = 0; i < n; ++i) {
      model_[i] += change[i];
      largest = std::max(largest, std::abs(change[i]));
    }
    if (largest < 1e-2) break;
  }
}

/// 1, the patches, and the logarithms of how many other known sets below and above say this or that.
void ListedSets::features(std::uint32_t set, double* out) const {
  for (int patch = 0; patch < patches_; ++patch) *out++ = static_cast<double>(set >> patch & 1U);
  const float sufficient = answers_[set] == 1 ? 1.0F : 0.0F;
  const float insufficient = answers_[set] == 0 ? 1.0F : 0.0F;
  *out++ = 1;
  *out++ = std::log1p(sufficient_below_[set] - sufficient);
  *out++ = std::log1p(insufficient_below_[set] - insufficient);
  *out++ = std::log1p(sufficient_above_[set] - sufficient);
  *out++ = std::log1p(insufficient_above_[set] - insufficient);
}

void ListedSets::guess_all() {
  std::vector<double> f(model_.size());
  for (std::uint32_t set = 0; set < count_; ++set) {
    features(set, f.data());
    double sum = 0;
    for (std::size_t i = 0; i < f.size(); ++i) sum += model_[i] * f[i];
    const double guess = std::clamp(logistic(sum), surest, 1 - surest);
    log_sufficient_[set] = std::log(guess);
    log_insufficient_[set] = std::log1p(-guess);
  }
}

}  // namespace xai::internal
