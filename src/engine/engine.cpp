#include "xai/engine/engine.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/ParallelGuard.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <future>
#include <list>
#include <memory>
#include <semaphore>
#include <variant>

#include "xai/core/background.hpp"
#include "xai/core/error.hpp"
#include "xai/core/stopwatch.hpp"

namespace xai {
namespace {

/// Decodes the next few images ahead, each on a thread of its own, and gives them in order.
class Prefetcher {
 public:
  Prefetcher(std::size_t count, int ahead, Analysis& analysis)
      : count_(count), ahead_(ahead), analysis_(analysis) {}

  bool finished() const { return given_ == count_; }
  std::size_t next_index() const { return given_; }

  /// Image next_index(); throws what load() threw.
  LoadedImage next() {
    while (started_ < count_ && loading_.size() <= ahead_)
      start(started_++);  // this one, and those behind it
    auto image = std::move(loading_.front());
    loading_.pop_front();
    ++given_;
    return image.get();
  }

 private:
  void start(std::size_t index) {
    loading_.push_back(std::async(std::launch::async, [this, index] {
      const c10::ParallelGuard serial(true);  // the cores belong to the model
      return analysis_.load(index);
    }));
  }

  std::size_t count_;
  std::size_t ahead_;
  Analysis& analysis_;
  std::size_t started_ = 0;
  std::size_t given_ = 0;
  std::deque<std::future<LoadedImage>> loading_;
};

struct Intact {};

/// One image of a batch: what its scorers ask, or (before there are any) the intact image.
struct Row {
  ImageSession* session;
  const MaskableImage* image;
  std::variant<Intact, PatchSet, MaskScorer::Slot> shown;
  std::int64_t target;  // the class whose probability is wanted

  /// The question of a real-valued mask, or null.
  const MaskQuestion* question() const {
    const auto* slot = std::get_if<MaskScorer::Slot>(&shown);
    return slot ? slot->question : nullptr;
  }
};

/// Rows that go through the model together: all of one kind.
struct Batch {
  std::vector<Row> rows;
  int size;       // of the batch that the model sees: at least rows.size()
  bool gradient;  // they want it
};

DataError not_finite_error(const char* what) {
  return DataError(cat("the model gives logits that are not finite (NaN or infinity) for ", what));
}

Task<void> not_finite(const char* what) {
  throw not_finite_error(what);
  co_return;
}

/// What the model said of a batch.
struct Outcome {
  at::Tensor values;     ///< rows x 6 of double, on the CPU: p of the best two classes, their indices, p of
                         ///< the target, all of it is finite
  at::Tensor gradients;  ///< F x rows x g x g, on the CPU, with respect to the masks; where wanted
  double compose_seconds = 0;
  double model_seconds = 0;
};

/// A thread that takes batches through composing and the model, and the batch's memory.
class Lane {
 public:
  Lane(Classifier& classifier, const MaskComposer& composer, std::counting_semaphore<>& landed)
      : classifier_(classifier), composer_(composer), landed_(landed) {}

  /// Queues a batch, which must live until the result is there.
  std::future<Outcome> start(const Batch& batch) {
    auto task = std::make_shared<std::packaged_task<Outcome()>>([this, &batch] { return run(batch); });
    thread_.post([this, task] {
      (*task)();
      landed_.release();
    });
    ++under_way_;
    return task->get_future();
  }

  /// Batches that were started and not yet finished() by the one who started them.
  int under_way() const { return under_way_; }
  void finished() { --under_way_; }

 private:
  Outcome run(const Batch& batch) {
    const c10::InferenceMode no_gradients;
    at::init_num_threads();  // at::set_num_threads() speaks to the thread that calls it
    const auto count = static_cast<std::int64_t>(batch.rows.size());
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
    if (!images_.defined() || images_.size(0) != batch.size) {
      images_ = at::Tensor();
      images_ = at::zeros({batch.size, 3, classifier_.card().height, classifier_.card().width},
                          at::device(classifier_.device()).dtype(classifier_.type()));
    }
    mix(images, masks.visible(), images_);
    add_noise(batch.rows);
    outcome.compose_seconds = compose_time.seconds();

    const Stopwatch model_time;
    LogitsAndGradient answer;
    if (batch.gradient)
      answer = classifier_.logits_and_input_gradient(images_, targets);
    else
      answer.logits = classifier_.logits(images_);
    const at::Tensor logits = answer.logits.slice(0, 0, count);
    at::Tensor finite = at::isfinite(logits).all(1, /*keepdim=*/true);
    if (batch.gradient) {
      const at::Tensor of_masks = masks.pull_back(mix_back(images, answer.gradient.slice(0, 0, count)));
      finite = finite.logical_and(at::isfinite(of_masks).all(3).all(2).all(0).unsqueeze(1));
      outcome.gradients = of_masks.cpu();
    }
    const at::Tensor probabilities = logits.softmax(1);
    const auto [best, classes] = probabilities.topk(2, 1);
    outcome.values =
        at::cat({best, classes.to(at::kDouble),
                 probabilities.gather(1, targets.slice(0, 0, count).unsqueeze(1)), finite.to(at::kDouble)},
                1)
            .cpu();
    outcome.model_seconds = model_time.seconds();
    return outcome;
  }

  at::TensorOptions pinned(at::ScalarType type) const {
    return at::TensorOptions(type).pinned_memory(classifier_.device().is_cuda());
  }
  at::Tensor to_device(const at::Tensor& tensor) const {
    return tensor.to(classifier_.device(), /*non_blocking=*/true);
  }

  /// What each row shows of its image.
  SoftMasks visible_masks(const std::vector<Row>& rows) const {
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
      if (const auto* set = std::get_if<PatchSet>(&row.shown)) {
        double* cell = cells.data_ptr<double>() + n * patches;
        std::fill_n(cell, patches, 0.0);
        for (const int p : set->patches()) cell[p] = 1;
      } else if (const MaskQuestion* question = row.question()) {
        cells.select(1, n).slice(0, 0, question->masks.size(0)).copy_(question->masks);
        offset.data_ptr<double>()[n] = question->offset;
        scale.data_ptr<double>()[n] = question->scale;
      }
    }
    const auto ready = [this](const at::Tensor& tensor) { return to_device(tensor).to(classifier_.type()); };
    return {composer_, ready(cells), ready(offset), ready(scale)};
  }

  void add_noise(const std::vector<Row>& rows) {
    for (std::size_t n = 0; n < rows.size(); ++n) {
      const MaskQuestion* question = rows[n].question();
      if (!question || question->noise == 0) continue;
      if (!noise_.defined()) noise_ = at::globalContext().defaultGenerator(classifier_.device()).clone();
      noise_.set_current_seed(question->noise_seed);
      at::Tensor image = images_[static_cast<std::int64_t>(n)];
      image.add_(at::randn(image.sizes(), noise_, image.options().dtype(at::kFloat)), question->noise);
    }
  }

  Classifier& classifier_;
  const MaskComposer& composer_;
  std::counting_semaphore<>& landed_;  // one release a batch
  int under_way_ = 0;
  at::Tensor images_;    // of a batch
  at::Generator noise_;  // seeded anew for each row
  Background thread_;    // last: it uses the others
};

constexpr int batches_per_lane = 2;  // one in the model and the next: no lane waits for a search to go on

/// A batch whose answers are on their way.
struct Flight {
  std::unique_ptr<const Batch> batch;
  Lane* lane;
  std::future<Outcome> outcome;
};

}  // namespace

void EngineOptions::validate() const {
  require(grid >= 2, "--grid must be at least 2, not ", grid);
  require(batch_size >= 1, "--batch-size must be at least 1, not ", batch_size);
  require(lanes >= 1, "--threads must be at least 1, not ", lanes);
  require(images_in_flight >= 1, "--images-in-flight must be at least 1, not ", images_in_flight);
  require(prefetch >= 1, "--prefetch must be at least 1, not ", prefetch);
}

ImageSession::ImageSession(std::size_t index, LoadedImage loaded, MaskableImage maskable, int grid)
    : index_(index), loaded_(std::move(loaded)), maskable_(std::move(maskable)), grid_(grid) {}

Scorer& ImageSession::scorer(int target) {
  require(grid_ * grid_ <= PatchSet::capacity, "patch sets need a grid of at most 16, not ", grid_);
  target_ = target;
  scorer_.remember(PatchSet::all(grid_ * grid_),
                   target == prediction_.predicted ? prediction_.p_predicted : prediction_.p_label.value());
  return scorer_;
}

MaskScorer& ImageSession::masks(int target) {
  target_ = target;
  return masks_;
}

/// The state of one Engine::run.
class Scheduler {
 public:
  Scheduler(Classifier& classifier, const EngineOptions& options, std::size_t count, Analysis& analysis)
      : classifier_(classifier),
        options_(options),
        analysis_(analysis),
        tensors_(at::device(classifier.device()).dtype(classifier.type())),
        composer_(classifier.card().height, classifier.card().width, options.grid, options.mask, tensors_),
        images_(count, options.prefetch, analysis) {
    report_.batch_size = options.batch_size;
    for (int i = 0; i < options.lanes; ++i) lanes_.emplace_back(classifier, composer_, landed_);
  }

  EngineReport run(const std::function<bool(const EngineReport&)>& keep_going) {
    while (true) {
      admit();
      if (sessions_.empty() && images_.finished()) return report_;
      launch();
      land();
      if (!keep_going(report_)) return report_;
      advance();
    }
  }

 private:
  /// Fills free places with the next images; their first row is the intact image.
  void admit() {
    while (sessions_.size() < static_cast<std::size_t>(options_.images_in_flight) && !images_.finished()) {
      const std::size_t index = images_.next_index();
      try {
        LoadedImage loaded = images_.next();
        const ModelCard& card = classifier_.card();
        MaskableImage maskable = make_maskable(loaded.image, loaded.baseline, card.mean, card.std, tensors_);
        sessions_.push_back(
            std::make_unique<ImageSession>(index, std::move(loaded), std::move(maskable), options_.grid));
        newcomers_.push_back(sessions_.back().get());
      } catch (const IoError&) {
        throw;
      } catch (const std::exception& error) {
        fail(index, error);
      }
    }
  }

  /// Rows that want the gradient, or those that do not.
  std::size_t waiting_rows(bool gradient) const {
    std::size_t rows = returned_[gradient].size() + (gradient ? 0 : newcomers_.size());
    for (const auto& session : sessions_)
      rows += session->masks_.queued(gradient) + (gradient ? 0 : session->scorer_.queued());
    return rows;
  }

  /// The kind of which more rows wait, if there are `enough`.
  std::optional<bool> next_kind(std::size_t enough) const {
    const std::size_t gradient = waiting_rows(true), plain = waiting_rows(false);
    if (std::max(gradient, plain) < enough) return {};
    return gradient >= plain;
  }

  /// The rows of the next batch: those that memory had no place for, newcomers, then the oldest images'
  /// questions.
  std::vector<Row> next_rows(bool gradient) {
    const auto most = static_cast<std::size_t>(report_.batch_size);
    std::vector<Row> rows;
    auto& returned = returned_[gradient];
    for (; !returned.empty() && rows.size() < most; returned.pop_front()) rows.push_back(returned.front());
    const auto add = [&](ImageSession& session, const auto& shown, std::int64_t target) {
      rows.push_back({&session, &session.maskable_, shown, target});
      ++session.rows_in_air_;
    };
    if (!gradient)
      for (; !newcomers_.empty() && rows.size() < most; newcomers_.pop_front())
        add(*newcomers_.front(), Intact(), newcomers_.front()->loaded_.label.value_or(0));
    for (const auto& session : sessions_) {
      if (!gradient)
        for (const PatchSet& set : session->scorer_.take(most - rows.size()))
          add(*session, set, session->target_);
      for (const MaskScorer::Slot& slot : session->masks_.take(most - rows.size(), gradient))
        add(*session, slot, session->target_);
    }
    return rows;
  }

  Lane& idlest_lane() {
    return *std::min_element(lanes_.begin(), lanes_.end(),
                             [](const Lane& a, const Lane& b) { return a.under_way() < b.under_way(); });
  }

  /// Sends full batches while a lane takes them, and a part of one where computing would else stand still: a
  /// lane of a CPU has a core for itself, those of a GPU share it.
  void launch() {
    while (true) {
      Lane& lane = idlest_lane();
      if (lane.under_way() == batches_per_lane) return;
      const bool idle = classifier_.device().is_cpu() ? lane.under_way() == 0 : flights_.empty();
      const std::optional<bool> gradient = next_kind(idle ? 1 : static_cast<std::size_t>(report_.batch_size));
      if (!gradient) return;
      auto batch = std::make_unique<const Batch>(Batch{next_rows(*gradient), report_.batch_size, *gradient});
      flights_.push_back({std::move(batch), &lane, {}});
      flights_.back().outcome = lane.start(*flights_.back().batch);
    }
  }

  /// Waits for a batch, whichever is first, and hands out its answers.
  void land() {
    landed_.acquire();
    const auto first = std::find_if(flights_.begin(), flights_.end(), [](const Flight& flight) {
      return flight.outcome.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    });
    Flight flight = std::move(*first);
    flights_.erase(first);
    const Batch& batch = *flight.batch;
    flight.lane->finished();
    try {
      const Outcome outcome = flight.outcome.get();
      const auto count = static_cast<long>(batch.rows.size());
      report_.rows += count;
      report_.backward += batch.gradient ? count : 0;
      report_.padding += batch.size - count;
      report_.compose_seconds += outcome.compose_seconds;
      report_.model_seconds += outcome.model_seconds;
      for (long n = 0; n < count; ++n) receive(batch.rows[static_cast<std::size_t>(n)], outcome, n);
    } catch (const std::exception& error) {
      if (!is_out_of_memory(error)) throw;
      if (batch.size == report_.batch_size)
        report_.batch_size = halved_batch(report_.batch_size, classifier_.device());
      auto& returned = returned_[batch.gradient];
      returned.insert(returned.end(), batch.rows.begin(), batch.rows.end());
    }
  }

  /// Hands out the answer to row n of a batch.
  void receive(const Row& row, const Outcome& outcome, std::int64_t n) {
    ImageSession& session = *row.session;
    --session.rows_in_air_;
    const auto values = outcome.values.accessor<double, 2>()[n];
    const bool finite = values[5] != 0;
    if (std::holds_alternative<Intact>(row.shown)) {
      if (finite)
        begin(session, values);
      else
        session.task_.emplace(not_finite("this image"));
      session.task_->start();
    } else if (!finite) {
      const auto error = std::make_exception_ptr(not_finite_error("a masked version of this image"));
      session.scorer_.fail(error);
      session.masks_.fail(error);
    } else if (const auto* set = std::get_if<PatchSet>(&row.shown)) {
      session.scorer_.answer(*set, values[4]);
    } else {
      const auto& slot = std::get<MaskScorer::Slot>(row.shown);
      slot.answer->p = values[4];
      if (slot.question->gradient)
        slot.answer->gradient = outcome.gradients.select(1, n).slice(0, 0, slot.question->masks.size(0));
      session.masks_.answered();
    }
  }

  void begin(ImageSession& session, const at::TensorAccessor<double, 1>& values) {
    session.prediction_ = {.predicted = static_cast<int>(values[2]),
                           .p_predicted = values[0],
                           .p_label = session.loaded_.label ? std::optional<double>(values[4]) : std::nullopt,
                           .near_tie = values[0] - values[1] < 1e-5 * values[0]};
    session.task_.emplace(analysis_.analyse(session.index_, session));
  }

  /// Continues whoever has all answers, and retires whoever is done.
  void advance() {
    for (auto at = sessions_.begin(); at != sessions_.end();) {
      ImageSession& session = **at;
      while (session.scorer_.can_resume() || session.masks_.can_resume())
        session.scorer_.can_resume() ? session.scorer_.resume() : session.masks_.resume();
      const bool done = session.task_ && session.task_->done() && session.rows_in_air_ == 0;
      if (!done) {
        ++at;
        continue;
      }
      try {
        session.task_->result();
        ++report_.images;
      } catch (const DataError& error) {
        fail(session.index_, error);
      }
      at = sessions_.erase(at);
    }
  }

  void fail(std::size_t index, const std::exception& error) {
    analysis_.failed(index, error);
    ++report_.images;
  }

  Classifier& classifier_;
  const EngineOptions& options_;
  Analysis& analysis_;
  at::TensorOptions tensors_;  // that the model takes
  MaskComposer composer_;
  Prefetcher images_;
  EngineReport report_;
  std::list<std::unique_ptr<ImageSession>> sessions_;  // oldest first
  std::deque<ImageSession*> newcomers_;                // whose intact image has not been seen by the model
  std::array<std::deque<Row>, 2> returned_;            // from batches that did not fit into memory, by kind
  std::vector<Flight> flights_;
  std::counting_semaphore<> landed_{0};  // batches that are back
  std::list<Lane> lanes_;                // behind all that they work on: they are joined first
};

Engine::Engine(Classifier& classifier, const EngineOptions& options)
    : classifier_(classifier), options_(options) {
  options_.validate();
}

EngineReport Engine::run(std::size_t count, Analysis& analysis,
                         const std::function<bool(const EngineReport&)>& keep_going) {
  return Scheduler(classifier_, options_, count, analysis).run(keep_going);
}

}  // namespace xai
