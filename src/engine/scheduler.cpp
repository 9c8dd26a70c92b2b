#include "scheduler.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "xai/core/error.hpp"

namespace xai {
namespace {

constexpr int batches_per_lane = 2;  // one in the model and the next: no lane waits for a search to go on

DataError not_finite_error(const char* what) {
  return DataError(cat("the model gives logits that are not finite (NaN or infinity) for ", what));
}

Task<void> not_finite(const char* what) {
  throw not_finite_error(what);
  co_return;
}

/// Whatever analyse() throws, on the spot or later, is the task's.
Task<void> begin(Analysis& analysis, std::size_t index, ImageInFlight& image) {
  co_await analysis.analyse(index, image);
}

}  // namespace

Scheduler::Scheduler(Classifier& classifier, const EngineOptions& options, std::size_t count,
                     Analysis& analysis)
    : classifier_(classifier),
      options_(options),
      analysis_(analysis),
      tensors_(at::device(classifier.device()).dtype(classifier.type())),
      composer_(classifier.card().height, classifier.card().width, options.grid, options.mask, tensors_),
      prefetcher_(count, options.prefetch, analysis) {
  report_.batch_size = std::min(options.batch_size, classifier_.most_rows());
  for (int i = 0; i < options.lanes; ++i) lanes_.emplace_back(classifier, composer_, landed_);
}

EngineReport Scheduler::run(const std::function<bool(const EngineReport&)>& keep_going) {
  while (true) {
    admit();
    if (images_.empty() && prefetcher_.finished()) return report_;
    launch();
    land();
    if (!keep_going(report_)) return report_;
    advance();
  }
}

/// Fills free places with the next images; their first row is the intact image.
void Scheduler::admit() {
  while (images_.size() < static_cast<std::size_t>(options_.images_in_flight) && !prefetcher_.finished()) {
    const std::size_t index = prefetcher_.next_index();
    try {
      LoadedImage loaded = prefetcher_.next();
      const ModelCard& card = classifier_.card();
      MaskableImage maskable = make_maskable(loaded.image, loaded.baseline, card.mean, card.std, tensors_);
      images_.push_back(
          std::make_unique<ImageInFlight>(index, std::move(loaded), std::move(maskable), options_.grid));
      newcomers_.push_back(images_.back().get());
    } catch (const IoError&) {
      throw;
    } catch (const std::exception& error) {
      fail(index, error);
    }
  }
}

std::size_t Scheduler::waiting_rows(Want want) const {
  const bool plain = want == Want::probability;
  std::size_t rows = returned_[static_cast<std::size_t>(want)].size() + (plain ? newcomers_.size() : 0);
  for (const auto& image : images_) {
    rows += image->masks_.queued(want);
    if (plain)
      for (const Scorer& scorer : image->scorers_) rows += scorer.queued();
  }
  return rows;
}

/// The kind of which most rows wait, if there are `enough`.
std::optional<Want> Scheduler::next_kind(std::size_t enough) const {
  std::optional<Want> best;
  std::size_t most = enough;
  for (const Want want : {Want::probability, Want::gradient, Want::features})
    if (const std::size_t rows = waiting_rows(want); rows >= most) {
      best = want;
      most = rows;
    }
  return best;
}

/// The rows of the next batch: those that memory had no place for, newcomers, then the oldest images'
/// questions.
std::vector<Row> Scheduler::next_rows(Want want) {
  const auto most = static_cast<std::size_t>(report_.batch_size);
  std::vector<Row> rows;
  auto& returned = returned_[static_cast<std::size_t>(want)];
  for (; !returned.empty() && rows.size() < most; returned.pop_front()) rows.push_back(returned.front());
  const auto add = [&](ImageInFlight& image, const auto& shown, std::int64_t target) {
    rows.push_back({&image, &image.maskable_, shown, target});
    ++image.rows_in_air_;
  };
  const bool plain = want == Want::probability;
  for (; plain && !newcomers_.empty() && rows.size() < most; newcomers_.pop_front())
    add(*newcomers_.front(), Intact(), newcomers_.front()->loaded_.label.value_or(0));
  for (const auto& image : images_) {
    if (plain)
      for (Scorer& scorer : image->scorers_)
        for (const PatchSet& set : scorer.take(most - rows.size()))
          add(*image, ScoredSet{&scorer, set}, image->target_);
    for (const MaskSlot& slot : image->masks_.take(most - rows.size(), want))
      add(*image, slot, image->target_);
  }
  return rows;
}

Lane& Scheduler::idlest_lane() {
  return *std::min_element(lanes_.begin(), lanes_.end(),
                           [](const Lane& a, const Lane& b) { return a.under_way() < b.under_way(); });
}

/// Sends full batches while a lane takes them, and a part of one where computing would else stand still: a
/// lane of a CPU has a core for itself, those of a GPU share it.
void Scheduler::launch() {
  while (true) {
    Lane& lane = idlest_lane();
    if (lane.under_way() == batches_per_lane) return;
    const bool idle = classifier_.device().is_cpu() ? lane.under_way() == 0 : flights_.empty();
    const std::optional<Want> want = next_kind(idle ? 1 : static_cast<std::size_t>(report_.batch_size));
    if (!want) return;
    auto batch = std::make_unique<const Batch>(Batch{next_rows(*want), report_.batch_size, *want});
    flights_.push_back({std::move(batch), &lane, {}});
    flights_.back().outcome = lane.start(*flights_.back().batch);
  }
}

/// Waits for a batch, whichever is first, and hands out its answers.
void Scheduler::land() {
  landed_.acquire();
  const auto first = std::find_if(flights_.begin(), flights_.end(), [](const Flight& flight) {
    return flight.outcome.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  });
  Flight flight = std::move(*first);
  flights_.erase(first);
  const Batch& batch = *flight.batch;
  flight.lane->finished();
  Outcome outcome;
  try {
    outcome = flight.outcome.get();
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
    if (batch.size == report_.batch_size)
      report_.batch_size = halved_batch(report_.batch_size, classifier_.device());
    auto& returned = returned_[static_cast<std::size_t>(batch.want)];
    returned.insert(returned.end(), batch.rows.begin(), batch.rows.end());
    return;
  }
  const auto count = static_cast<long>(batch.rows.size());
  report_.rows += count;
  report_.backward += batch.want == Want::probability ? 0 : count;
  report_.padding += batch.size - count;
  report_.compose_seconds += outcome.compose_seconds;
  report_.model_seconds += outcome.model_seconds;
  for (long n = 0; n < count; ++n) receive(batch.rows[static_cast<std::size_t>(n)], outcome, n);
}

/// Hands out the answer to row n of a batch.
void Scheduler::receive(const Row& row, const Outcome& outcome, std::int64_t n) {
  ImageInFlight& image = *row.owner;
  --image.rows_in_air_;
  const MaskQuestion* question = row.question();
  if (question && question->want == Want::features) {
    std::get<MaskSlot>(row.shown).answer->features = {outcome.features.maps[n], outcome.features.gradient[n]};
    image.masks_.answered();
    return;
  }
  const auto values = outcome.values.accessor<double, 2>()[n];
  const bool finite = values[5] != 0;
  if (std::holds_alternative<Intact>(row.shown)) {
    if (finite)
      meet(image, values);
    else
      image.task_.emplace(not_finite("this image"));
    image.task_->start();
  } else if (!finite) {
    fail_questions(image);
  } else if (const auto* scored = std::get_if<ScoredSet>(&row.shown)) {
    const bool is_best = static_cast<int>(values[2]) == image.target_;
    scored->scorer->answer(scored->set, {values[4], is_best ? values[1] : values[0]});
  } else {
    MaskAnswer& answer = *std::get<MaskSlot>(row.shown).answer;
    answer.p = values[4];
    if (question->want == Want::gradient)
      answer.gradient = outcome.gradients.select(1, n).slice(0, 0, question->masks.size(0));
    image.masks_.answered();
  }
}

/// The model has seen the intact image: its analysis can begin.
void Scheduler::meet(ImageInFlight& image, const at::TensorAccessor<double, 1>& values) {
  image.prediction_ = {.predicted = static_cast<int>(values[2]),
                       .p_predicted = values[0],
                       .second = static_cast<int>(values[3]),
                       .p_second = values[1],
                       .p_label = image.loaded_.label ? std::optional<double>(values[4]) : std::nullopt,
                       .near_tie = values[0] - values[1] < 1e-5 * values[0],
                       .near_tie_of_second = values[1] - values[6] < 1e-5 * values[1]};
  image.task_.emplace(begin(analysis_, image.index_, image));
}

/// Continues whoever has all answers, and retires whoever is done.
void Scheduler::advance() {
  for (auto at = images_.begin(); at != images_.end();) {
    ImageInFlight& image = **at;
    resume(image);
    const bool done = image.task_ && image.task_->done() && image.rows_in_air_ == 0;
    if (!done) {
      ++at;
      continue;
    }
    try {
      image.task_->result();
      ++report_.images;
    } catch (const DataError& error) {
      fail(image.index_, error);
    }
    at = images_.erase(at);
  }
}

/// Continues an analysis until it waits for rows.
void Scheduler::resume(ImageInFlight& image) {
  for (bool moved = true; moved;) {
    moved = false;
    for (Scorer& scorer : image.scorers_)
      if (scorer.can_resume()) scorer.resume(), moved = true;
    if (image.masks_.can_resume()) image.masks_.resume(), moved = true;
  }
}

void Scheduler::fail_questions(ImageInFlight& image) {
  const auto error = std::make_exception_ptr(not_finite_error("a masked version of this image"));
  for (Scorer& scorer : image.scorers_) scorer.fail(error);
  image.masks_.fail(error);
}

void Scheduler::fail(std::size_t index, const std::exception& error) {
  analysis_.failed(index, error);
  ++report_.images;
}

}  // namespace xai
