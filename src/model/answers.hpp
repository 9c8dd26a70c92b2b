#pragma once

#include <ATen/core/Tensor.h>

namespace xai {

/// What a model's numbers look like, whatever its card says.
enum class AnswerKind { logits, probabilities, percentages, sigmoids };

/// A model's answers to unlike images, as numbers of some kind.
struct Answers {
  AnswerKind kind;
  double low, high;            // of all numbers
  double least_sum, most_sum;  // of the rows
};

/// Judges N x K numbers. None negative and rows of equal sums: probabilities where that is 1, else
/// percentages; else all from 0 to 1: sigmoids; else logits, as what is the same everywhere, which tells
/// nothing. `tolerance` is relative, of sums. xai-export's rule (python/xaimse/outputs.py):
/// tests/fixtures/outputs.json.
Answers judge(const at::Tensor& numbers, double tolerance);

}  // namespace xai
