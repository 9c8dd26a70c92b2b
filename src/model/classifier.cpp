#include "xai/model/classifier.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "xai/core/error.hpp"
#include "xai/core/log.hpp"
#include "xai/model/torchscript_classifier.hpp"

namespace xai {

LogitsAndGradient Classifier::logits_and_input_gradient(const at::Tensor&, const at::Tensor&) {
  throw ModelError(cat("model ", card().name, " is forward-only: it gives no gradients"));
}

Features Classifier::features(const at::Tensor&, const at::Tensor&) {
  throw ModelError(cat("model ", card().name, " has no last feature map that is known"));
}

at::Tensor Classifier::probabilities(const at::Tensor& logits) const {
  switch (link()) {
    case Link::none:
      return logits;
    case Link::sigmoid:
      return logits.sigmoid();
    default:
      return logits.softmax(1);
  }
}

std::unique_ptr<Classifier> open_classifier(const ModelCard& card, const ClassifierOptions& options) {
  auto classifier = std::make_unique<TorchScriptClassifier>(card, options);
  log::info("model ", card.name, " on ", options.device, ", ", name(options.precision), ", batches of ",
            std::min(options.batch_size, classifier->most_rows()), ", ",
            classifier->tuning()["choice"].get<std::string>());
  return classifier;
}

}  // namespace xai
