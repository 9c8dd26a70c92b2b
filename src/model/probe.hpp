#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "xai/model/classifier.hpp"

namespace xai {

/// Tries a model out before anything relies on it. `run` gives its N x outputs numbers of N images,
/// normalised N x 3 x H x W; it may throw. Checked: it takes batches of 1, 2 and 3 images of the card's size;
/// as many finite numbers as the card says; the same for an image alone, in company, and asked again; and
/// numbers of the kind that the card's `output` says, on several unlike images. Gives how p comes from them.
/// Throws ModelError: one line with what is wrong and what to do.
Link probe(const ModelCard& card, const ClassifierOptions& options,
           const std::function<at::Tensor(const at::Tensor&)>& run);

}  // namespace xai
