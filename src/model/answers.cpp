#include "answers.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace xai {

Answers judge(const at::Tensor& numbers, double tolerance) {
  const at::Tensor sums = numbers.sum(1, false, at::kDouble);
  Answers answers{.kind = AnswerKind::logits,
                  .low = numbers.min().item<double>(),
                  .high = numbers.max().item<double>(),
                  .least_sum = sums.min().item<double>(),
                  .most_sum = sums.max().item<double>()};
  if (answers.low < 0 || answers.low == answers.high) return answers;
  if (numbers.size(1) > 1 && answers.most_sum - answers.least_sum < tolerance * answers.most_sum) {
    if (std::abs(answers.most_sum - 1) < tolerance)
      answers.kind = AnswerKind::probabilities;
    else if (!at::equal(numbers, numbers[0].expand_as(numbers)))  // rows that are the same sum to the same
      answers.kind = AnswerKind::percentages;
  } else if (answers.high <= 1) {
    answers.kind = AnswerKind::sigmoids;
  }
  return answers;
}

}  // namespace xai
