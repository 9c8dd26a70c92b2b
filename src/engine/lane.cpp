#include "lane.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <memory>

#include "xai/core/stopwatch.hpp"

namespace xai {

std::future<Outcome> Lane::start(const Batch& batch) {
  auto task = std::make_shared<std::packaged_task<Outcome()>>([this, &batch] { return run(batch); });
  thread_.post([this, task] {
    (*task)();
    landed_.release();
  });
  ++under_way_;
  return task->get_future();
}

Outcome Lane::run(const Batch& batch) {
  const c10::InferenceMode no_gradients;
  at::init_num_threads();  // at::set_num_threads() speaks to the thread that calls it
  Outcome outcome;
  const Stopwatch compose_time;
  std::vector<const MaskableImage*> images;
  at::Tensor targets = at::zeros({batch.size}, pinned(at::kLong));
  auto* target = targets.data_ptr<std::int64_t>();
  for (const Row& row : batch.rows) {
    images.push_back(row.image);
    *target++ = row.target;
  }
  targets = to_device(targets);
  const SoftMasks masks = visible_masks(batch.rows);
  prepare_images(batch);
  mix(images, masks.visible(), images_);
  add_noise(batch.rows);
  outcome.compose_seconds = compose_time.seconds();

  const Stopwatch model_time;
  answer(batch, images, masks, targets, outcome);
  outcome.model_seconds = model_time.seconds();
  return outcome;
}

/// Runs the model on images_ and reads what is wanted of the batch's rows.
void Lane::answer(const Batch& batch, const std::vector<const MaskableImage*>& images, const SoftMasks& masks,
                  const at::Tensor& targets, Outcome& outcome) {
  const auto count = static_cast<std::int64_t>(batch.rows.size());
  if (batch.want == Want::features) {
    const Features found = classifier_.features(images_, targets);
    outcome.features = {found.maps.slice(0, 0, count).cpu(), found.gradient.slice(0, 0, count).cpu()};
    return;
  }
  LogitsAndGradient answer;
  if (batch.want == Want::gradient)
    answer = classifier_.logits_and_input_gradient(images_, targets);
  else
    answer.logits = classifier_.logits(images_);
  const at::Tensor logits = answer.logits.slice(0, 0, count);
  at::Tensor finite = at::isfinite(logits).all(1, /*keepdim=*/true);
  if (batch.want == Want::gradient) {
    const at::Tensor of_masks = masks.pull_back(mix_back(images, answer.gradient.slice(0, 0, count)));
    finite = finite.logical_and(at::isfinite(of_masks).all(3).all(2).all(0).unsqueeze(1));
    outcome.gradients = of_masks.cpu();
  }
  const at::Tensor probabilities = classifier_.probabilities(logits);
  const auto [best, classes] = probabilities.topk(std::min<std::int64_t>(3, probabilities.size(1)), 1);
  const at::Tensor third = best.size(1) > 2 ? best.narrow(1, 2, 1) : at::zeros_like(best.narrow(1, 0, 1));
  outcome.values = at::cat({best.narrow(1, 0, 2), classes.narrow(1, 0, 2).to(at::kDouble),
                            probabilities.gather(1, targets.slice(0, 0, count).unsqueeze(1)),
                            finite.to(at::kDouble), third},
                           1)
                       .cpu();
}

/// The memory of a batch, where it has another size than the last.
void Lane::prepare_images(const Batch& batch) {
  if (images_.defined() && images_.size(0) == batch.size) return;
  images_ = at::Tensor();
  images_ = at::zeros({batch.size, 3, classifier_.card().height, classifier_.card().width},
                      at::device(classifier_.device()).dtype(classifier_.type()));
}

at::TensorOptions Lane::pinned(at::ScalarType type) const {
  return at::TensorOptions(type).pinned_memory(classifier_.device().is_cuda());
}

at::Tensor Lane::to_device(const at::Tensor& tensor) const {
  return tensor.to(classifier_.device(), /*non_blocking=*/true);
}

/// What each row shows of its image.
SoftMasks Lane::visible_masks(const std::vector<Row>& rows) const {
  const auto count = static_cast<std::int64_t>(rows.size());
  std::int64_t factors = 1;
  for (const Row& row : rows)
    if (row.question()) factors = std::max(factors, row.question()->masks.size(0));
  at::Tensor cells = at::ones({factors, count, composer_.grid(), composer_.grid()}, pinned(at::kDouble));
  at::Tensor offset = at::zeros({count}, pinned(at::kDouble));
  at::Tensor scale = at::ones({count}, pinned(at::kDouble));
  const std::int64_t patches = composer_.grid() * composer_.grid();
  for (std::int64_t n = 0; n < count; ++n) {
    const Row& row = rows[static_cast<std::size_t>(n)];
    if (const auto* scored = std::get_if<ScoredSet>(&row.shown)) {
      double* cell = cells.data_ptr<double>() + n * patches;
      std::fill_n(cell, patches, 0.0);
      for (const int p : scored->set.patches()) cell[p] = 1;
    } else if (const MaskQuestion* question = row.question()) {
      cells.select(1, n).slice(0, 0, question->masks.size(0)).copy_(question->masks);
      offset.data_ptr<double>()[n] = question->offset;
      scale.data_ptr<double>()[n] = question->scale;
    }
  }
  const auto ready = [this](const at::Tensor& tensor) { return to_device(tensor).to(classifier_.type()); };
  return {composer_, ready(cells), ready(offset), ready(scale)};
}

void Lane::add_noise(const std::vector<Row>& rows) {
  for (std::size_t n = 0; n < rows.size(); ++n) {
    const MaskQuestion* question = rows[n].question();
    if (!question || question->noise == 0) continue;
    if (!noise_.defined()) noise_ = at::globalContext().defaultGenerator(classifier_.device()).clone();
    noise_.set_current_seed(question->noise_seed);
    at::Tensor image = images_[static_cast<std::int64_t>(n)];
    image.add_(at::randn(image.sizes(), noise_, image.options().dtype(at::kFloat)), question->noise);
  }
}

}  // namespace xai
