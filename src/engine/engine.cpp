#include "xai/engine/engine.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/ParallelGuard.h>

#include <chrono>
#include <cmath>
#include <deque>
#include <future>
#include <list>
#include <memory>

#include "xai/core/error.hpp"
#include "xai/core/log.hpp"

namespace xai {
namespace {

class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  ~Stopwatch() {
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Decodes the next few images ahead, each on a thread of its own, and gives them in order.
class Prefetcher {
 public:
  Prefetcher(std::size_t count, int ahead, Analysis& analysis)
      : count_(count), ahead_(ahead), analysis_(analysis) {}

  bool finished() const { return given_ == count_; }
  std::size_t next_index() const { return given_; }

  /// Image next_index(); throws what load() threw.
  LoadedImage next() {
    while (started_ < count_ && loading_.size() < ahead_) start(started_++);
    auto image = std::move(loading_.front());
    loading_.pop_front();
    ++given_;
    if (started_ < count_) start(started_++);
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

/// One image of a batch: a set of the scorer's, or (before there is a scorer) the intact image.
struct Row {
  ImageSession* session;
  PatchSet visible;
  bool intact;
};

DataError not_finite_error(const char* what) {
  return DataError(cat("the model gives logits that are not finite (NaN or infinity) for ", what));
}

Task<void> not_finite(const char* what) {
  throw not_finite_error(what);
  co_return;
}

/// A batch whose answers are still on their way from the device.
struct Flight {
  std::vector<Row> rows;
  at::Tensor
      outcome;  // rows x 6: p of the best two classes, their indices, p of the target, logits are finite
};

}  // namespace

void EngineOptions::validate() const {
  require(grid >= 2 && grid <= 16, "--grid must be from 2 to 16, not ", grid);
  require(batch_size >= 1, "--batch-size must be at least 1, not ", batch_size);
  require(images_in_flight >= 1, "--images-in-flight must be at least 1, not ", images_in_flight);
  require(prefetch >= 1, "--prefetch must be at least 1, not ", prefetch);
}

ImageSession::ImageSession(std::size_t index, LoadedImage loaded, MaskableImage maskable, int patches)
    : index_(index), loaded_(std::move(loaded)), maskable_(std::move(maskable)), patches_(patches) {}

Scorer& ImageSession::scorer(int target) {
  target_ = target;
  scorer_.remember(PatchSet::all(patches_),
                   target == prediction_.predicted ? prediction_.p_predicted : prediction_.p_label.value());
  return scorer_;
}

/// The state of one Engine::run.
class Scheduler {
 public:
  Scheduler(Classifier& classifier, const EngineOptions& options, std::size_t count, Analysis& analysis)
      : classifier_(classifier),
        options_(options),
        analysis_(analysis),
        composer_(classifier.card().height, classifier.card().width, options.grid, options.mask,
                  classifier.device()),
        images_(count, options.prefetch, analysis),
        most_in_air_(classifier.device().is_cuda() ? 2 : 1) {
    report_.batch_size = options.batch_size;
  }

  EngineReport run(const std::function<bool(const EngineReport&)>& keep_going) {
    while (true) {
      admit();
      if (sessions_.empty() && images_.finished()) return report_;
      const bool full = waiting_rows() >= static_cast<std::size_t>(report_.batch_size);
      if (full || flights_.empty()) launch(next_rows());
      if (!full || flights_.size() >= most_in_air_) {
        land();
        if (!keep_going(report_)) return report_;
      }
      advance();
    }
  }

 private:
  int patches() const { return options_.grid * options_.grid; }

  /// Fills free places with the next images; their first row is the intact image.
  void admit() {
    while (sessions_.size() < static_cast<std::size_t>(options_.images_in_flight) && !images_.finished()) {
      const std::size_t index = images_.next_index();
      try {
        LoadedImage loaded = images_.next();
        const ModelCard& card = classifier_.card();
        MaskableImage maskable =
            make_maskable(loaded.image, loaded.baseline, card.mean, card.std, classifier_.device());
        sessions_.push_back(
            std::make_unique<ImageSession>(index, std::move(loaded), std::move(maskable), patches()));
        newcomers_.push_back(sessions_.back().get());
      } catch (const IoError&) {
        throw;
      } catch (const std::exception& error) {
        fail(index, error);
      }
    }
  }

  std::size_t waiting_rows() const {
    std::size_t rows = newcomers_.size();
    for (const auto& session : sessions_) rows += session->scorer_.queued();
    return rows;
  }

  /// The rows of the next batch: newcomers, then the oldest images' questions.
  std::vector<Row> next_rows() {
    const auto most = static_cast<std::size_t>(report_.batch_size);
    std::vector<Row> rows;
    for (; !newcomers_.empty() && rows.size() < most; newcomers_.pop_front())
      rows.push_back({newcomers_.front(), PatchSet::all(patches()), true});
    for (const auto& session : sessions_) {
      if (rows.size() == most) break;
      for (const PatchSet& set : session->scorer_.take(most - rows.size()))
        rows.push_back({session.get(), set, false});
    }
    for (const Row& row : rows) ++row.session->rows_in_air_;
    return rows;
  }

  /// Sends rows to the model; where memory runs out, in smaller batches from then on.
  void launch(std::vector<Row> rows) {
    while (!rows.empty()) {
      const auto count = std::min(rows.size(), static_cast<std::size_t>(report_.batch_size));
      std::vector<Row> some(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count));
      try {
        at::Tensor outcome = forward(some);
        flights_.push_back({std::move(some), std::move(outcome)});
        report_.padding += report_.batch_size - static_cast<long>(count);
        rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count));
      } catch (const std::exception& error) {
        if (!is_out_of_memory(error)) throw;
        halve_batch();
      }
    }
  }

  void halve_batch() {
    batch_ = at::Tensor();
    require<ModelError>(report_.batch_size > 1, "out of memory on ", classifier_.device(),
                        " even for a batch of one image; use a smaller model or --device cpu");
    report_.batch_size /= 2;
    log::warning("out of memory: going on with batches of ", report_.batch_size);
  }

  at::Tensor forward(const std::vector<Row>& rows) {
    const c10::InferenceMode no_gradients;
    const at::Device device = classifier_.device();
    const auto count = static_cast<std::int64_t>(rows.size());
    at::Tensor targets = at::zeros({count, 1}, at::TensorOptions(at::kLong).pinned_memory(device.is_cuda()));
    {
      const Stopwatch watch(report_.compose_seconds);
      auto* target = targets.data_ptr<std::int64_t>();
      if (!batch_.defined())
        batch_ =
            at::zeros({report_.batch_size, 3, classifier_.card().height, classifier_.card().width}, device);
      std::vector<MaskedRow> masked;
      masked.reserve(rows.size());
      for (const Row& row : rows) {
        *target++ = row.intact ? row.session->loaded_.label.value_or(0) : row.session->target_;
        masked.push_back({&row.session->maskable_, row.visible});
      }
      composer_.compose(masked, batch_);
    }
    const Stopwatch watch(report_.model_seconds);
    const at::Tensor logits = classifier_.logits(batch_).slice(0, 0, count);
    const at::Tensor probabilities = logits.softmax(1);
    const auto [best, classes] = probabilities.topk(2, 1);
    return at::cat(
        {best, classes.to(at::kFloat), probabilities.gather(1, targets.to(device, /*non_blocking=*/true)),
         at::isfinite(logits).all(1, /*keepdim=*/true).to(at::kFloat)},
        1);
  }

  /// Waits for the oldest batch and hands out its answers.
  void land() {
    const Flight flight = std::move(flights_.front());
    flights_.pop_front();
    at::Tensor outcome;
    {
      const Stopwatch watch(report_.model_seconds);
      outcome = flight.outcome.cpu();
    }
    report_.rows += static_cast<long>(flight.rows.size());
    const auto values = outcome.accessor<float, 2>();
    for (std::size_t i = 0; i < flight.rows.size(); ++i)
      receive(flight.rows[i], values[static_cast<std::int64_t>(i)]);
  }

  void receive(const Row& row, const at::TensorAccessor<float, 1>& outcome) {
    ImageSession& session = *row.session;
    --session.rows_in_air_;
    const bool finite = outcome[5] != 0;
    if (row.intact && finite)
      begin(session, outcome);
    else if (row.intact)
      session.task_.emplace(not_finite("this image"));
    else if (finite)
      session.scorer_.answer(row.visible, outcome[4]);
    else
      session.scorer_.fail(std::make_exception_ptr(not_finite_error("a masked version of this image")));
    if (row.intact) session.task_->start();
  }

  void begin(ImageSession& session, const at::TensorAccessor<float, 1>& outcome) {
    session.prediction_ = {
        .predicted = static_cast<int>(outcome[2]),
        .p_predicted = outcome[0],
        .p_label = session.loaded_.label ? std::optional<double>(outcome[4]) : std::nullopt,
        .near_tie = outcome[0] - outcome[1] < 1e-5F * outcome[0]};
    session.task_.emplace(analysis_.analyse(session.index_, session));
  }

  /// Continues whoever has all answers, and retires whoever is done.
  void advance() {
    for (auto at = sessions_.begin(); at != sessions_.end();) {
      ImageSession& session = **at;
      while (session.scorer_.can_resume()) session.scorer_.resume();
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
  MaskComposer composer_;
  Prefetcher images_;
  std::size_t most_in_air_;
  EngineReport report_;
  at::Tensor batch_;
  std::list<std::unique_ptr<ImageSession>> sessions_;  // oldest first
  std::deque<ImageSession*> newcomers_;                // whose intact image has not been seen by the model
  std::deque<Flight> flights_;
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
