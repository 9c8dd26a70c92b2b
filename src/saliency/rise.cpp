#include "xai/saliency/rise.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "xai/core/error.hpp"

namespace xai {
namespace {

constexpr int asked_at_once = 512;  // masks in memory

/// One side's interpolation weights, size x (cells + 1): index i lies at shift + i (cells - 1) / (size - 1)
/// in a row of coins, with 0 <= shift < 1.
at::Tensor shifted_weights(int size, int cells, double shift) {
  const at::Tensor positions = shift + at::arange(size, at::kDouble) * (cells - 1.0) / (size - 1.0);
  const at::Tensor distance = (positions.unsqueeze(1) - at::arange(cells + 1, at::kDouble)).abs();
  return (1 - distance).clamp_min(0);
}

at::Tensor random_mask(const RiseOptions& options, Random& random) {
  at::Tensor coins = at::zeros({options.cells + 1, options.cells + 1}, at::kDouble);
  double* coin = coins.data_ptr<double>();
  for (std::int64_t i = 0; i < coins.numel(); ++i) coin[i] = random.uniform() < options.visible;
  const at::Tensor down = shifted_weights(options.size, options.cells, random.uniform());
  const at::Tensor across = shifted_weights(options.size, options.cells, random.uniform());
  return down.matmul(coins).matmul(across.t()).to(at::kFloat);
}

}  // namespace

Task<at::Tensor> rise(MaskScorer& scorer, RiseOptions options, Random random) {
  options.validate();
  at::Tensor map = at::zeros({options.size, options.size}, at::kDouble);
  for (int begin = 0; begin < options.masks; begin += asked_at_once) {
    std::vector<MaskQuestion> questions;
    std::vector<at::Tensor> masks;
    for (int i = begin; i < std::min(begin + asked_at_once, options.masks); ++i) {
      masks.push_back(random_mask(options, random));
      questions.push_back({.masks = masks.back().unsqueeze(0)});
    }
    const std::vector<MaskAnswer> answers = co_await scorer.answers(std::move(questions));
    for (std::size_t i = 0; i < answers.size(); ++i) map.add_(masks[i], answers[i].p);
  }
  co_return map.div(options.masks * options.visible).to(at::kFloat);
}

}  // namespace xai
