#include "xai/model/classifier.hpp"

#include "xai/core/error.hpp"

namespace xai {

LogitsAndGradient Classifier::logits_and_input_gradient(const at::Tensor&, const at::Tensor&) {
  throw ModelError(cat("model ", card().name, " is forward-only: it gives no gradients"));
}

}  // namespace xai
