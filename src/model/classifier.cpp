#include "xai/model/classifier.hpp"

#include "xai/core/error.hpp"
#include "xai/core/log.hpp"

namespace xai {

LogitsAndGradient Classifier::logits_and_input_gradient(const at::Tensor&, const at::Tensor&) {
  throw ModelError(cat("model ", card().name, " is forward-only: it gives no gradients"));
}

int halved_batch(int size, const at::Device& device) {
  require<ModelError>(size > 1, "out of memory on ", device,
                      " even for a batch of one image; use a smaller model, fewer --threads or --device cpu");
  log::warning("out of memory: going on with batches of ", size / 2);
  return size / 2;
}

}  // namespace xai
