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

#include "xai/core/background.hpp"
#include "xai/core/error.hpp"
#include "xai/core/log.hpp"
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

/// One image of a batch: a set of the scorer's, or (before there is a scorer) the intact image.
struct Row {
  ImageSession* session;
  const MaskableImage* image;
  PatchSet visible;
  std::int64_t target;  // the class whose probability is wanted
  bool intact;
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
  at::Tensor values;  ///< rows x 6, on the CPU: p of the best two classes, their indices, p of the target,
                      ///< logits are finite
  double compose_seconds = 0;
  double model_seconds = 0;
};

/// A thread that takes batches through composing and the model, and the batch's memory.
class Lane {
 public:
  Lane(Classifier& classifier, const MaskComposer& composer, std::counting_semaphore<>& landed)
      : classifier_(classifier), composer_(composer), landed_(landed) {}

  /// Queues rows.size() <= batch_size rows, which must live until the result is there.
  std::future<Outcome> start(const std::vector<Row>& rows, int batch_size) {
    auto task = std::make_shared<std::packaged_task<Outcome()>>(
        [this, &rows, batch_size] { return run(rows, batch_size); });
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
  Outcome run(const std::vector<Row>& rows, int batch_size) {
    const c10::InferenceMode no_gradients;
    at::init_num_threads();  // at::set_num_threads() speaks to the thread that calls it
    const at::Device device = classifier_.device();
    const auto count = static_cast<std::int64_t>(rows.size());
    Outcome outcome;
    at::Tensor targets = at::empty({count, 1}, at::TensorOptions(at::kLong).pinned_memory(device.is_cuda()));
    const Stopwatch compose_time;
    if (!batch_.defined() || batch_.size(0) != batch_size) {
      batch_ = at::Tensor();
      batch_ = at::zeros({batch_size, 3, classifier_.card().height, classifier_.card().width}, device);
    }
    std::vector<MaskedRow> masked;
    auto* target = targets.data_ptr<std::int64_t>();
    for (const Row& row : rows) {
      *target++ = row.target;
      masked.push_back({row.image, row.visible});
    }
    composer_.compose(masked, batch_);
    outcome.compose_seconds = compose_time.seconds();

    const Stopwatch model_time;
    const at::Tensor logits = classifier_.logits(batch_).slice(0, 0, count);
    const at::Tensor probabilities = logits.softmax(1);
    const auto [best, classes] = probabilities.topk(2, 1);
    outcome.values = at::cat({best, classes.to(at::kFloat),
                              probabilities.gather(1, targets.to(device, /*non_blocking=*/true)),
                              at::isfinite(logits).all(1, /*keepdim=*/true).to(at::kFloat)},
                             1)
                         .cpu();
    outcome.model_seconds = model_time.seconds();
    return outcome;
  }

  Classifier& classifier_;
  const MaskComposer& composer_;
  std::counting_semaphore<>& landed_;  // one release a batch
  int under_way_ = 0;
  at::Tensor batch_;
  Background thread_;  // last: it uses the others
};

constexpr int batches_per_lane = 2;  // one in the model and the next: no lane waits for a search to go on

/// A batch whose answers are on their way.
struct Flight {
  std::unique_ptr<const std::vector<Row>> rows;
  int batch_size;
  Lane* lane;
  std::future<Outcome> outcome;
};

}  // namespace

void EngineOptions::validate() const {
  require(grid >= 2 && grid <= 16, "--grid must be from 2 to 16, not ", grid);
  require(batch_size >= 1, "--batch-size must be at least 1, not ", batch_size);
  require(lanes >= 1, "--threads must be at least 1, not ", lanes);
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
    std::size_t rows = returned_.size() + newcomers_.size();
    for (const auto& session : sessions_) rows += session->scorer_.queued();
    return rows;
  }

  bool batch_waits() const { return waiting_rows() >= static_cast<std::size_t>(report_.batch_size); }

  /// The rows of the next batch: those that memory had no place for, newcomers, then the oldest images'
  /// questions.
  std::vector<Row> next_rows() {
    const auto most = static_cast<std::size_t>(report_.batch_size);
    std::vector<Row> rows;
    for (; !returned_.empty() && rows.size() < most; returned_.pop_front()) rows.push_back(returned_.front());
    const auto add = [&](ImageSession& session, const PatchSet& visible, std::int64_t target, bool intact) {
      rows.push_back({&session, &session.maskable_, visible, target, intact});
      ++session.rows_in_air_;
    };
    for (; !newcomers_.empty() && rows.size() < most; newcomers_.pop_front())
      add(*newcomers_.front(), PatchSet::all(patches()), newcomers_.front()->loaded_.label.value_or(0), true);
    for (const auto& session : sessions_) {
      if (rows.size() == most) break;
      for (const PatchSet& set : session->scorer_.take(most - rows.size()))
        add(*session, set, session->target_, false);
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
    while (waiting_rows() > 0) {
      Lane& lane = idlest_lane();
      if (lane.under_way() == batches_per_lane) return;
      const bool idle = classifier_.device().is_cpu() ? lane.under_way() == 0 : flights_.empty();
      if (!batch_waits() && !idle) return;
      Flight flight{std::make_unique<const std::vector<Row>>(next_rows()), report_.batch_size, &lane, {}};
      flight.outcome = lane.start(*flight.rows, flight.batch_size);
      flights_.push_back(std::move(flight));
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
    const std::vector<Row>& rows = *flight.rows;
    flight.lane->finished();
    try {
      const Outcome outcome = flight.outcome.get();
      report_.rows += static_cast<long>(rows.size());
      report_.padding += flight.batch_size - static_cast<long>(rows.size());
      report_.compose_seconds += outcome.compose_seconds;
      report_.model_seconds += outcome.model_seconds;
      const auto values = outcome.values.accessor<float, 2>();
      for (std::size_t i = 0; i < rows.size(); ++i) receive(rows[i], values[static_cast<std::int64_t>(i)]);
    } catch (const std::exception& error) {
      if (!is_out_of_memory(error)) throw;
      if (flight.batch_size == report_.batch_size) halve_batch();
      returned_.insert(returned_.end(), rows.begin(), rows.end());
    }
  }

  /// Memory ran out: smaller batches from now on.
  void halve_batch() {
    require<ModelError>(
        report_.batch_size > 1, "out of memory on ", classifier_.device(),
        " even for a batch of one image; use a smaller model, fewer --threads or --device cpu");
    report_.batch_size /= 2;
    log::warning("out of memory: going on with batches of ", report_.batch_size);
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
  EngineReport report_;
  std::list<std::unique_ptr<ImageSession>> sessions_;  // oldest first
  std::deque<ImageSession*> newcomers_;                // whose intact image has not been seen by the model
  std::deque<Row> returned_;                           // from batches that did not fit into memory
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
