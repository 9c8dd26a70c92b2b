#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <optional>
#include <semaphore>
#include <vector>

#include "lane.hpp"
#include "prefetcher.hpp"
#include "xai/engine/engine.hpp"

namespace xai {

/// The state of one Engine::run.
class Scheduler {
 public:
  Scheduler(Classifier& classifier, const EngineOptions& options, std::size_t count, Analysis& analysis);

  EngineReport run(const std::function<bool(const EngineReport&)>& keep_going);

 private:
  /// A batch whose answers are on their way.
  struct Flight {
    std::unique_ptr<const Batch> batch;
    Lane* lane;
    std::future<Outcome> outcome;
  };

  void admit();
  std::size_t waiting_rows(Want want) const;
  std::optional<Want> next_kind(std::size_t enough) const;
  std::vector<Row> next_rows(Want want);
  Lane& idlest_lane();
  void launch();
  void land();
  void receive(const Row& row, const Outcome& outcome, std::int64_t n);
  void meet(ImageInFlight& image, const at::TensorAccessor<double, 1>& values);
  void advance();
  static void resume(ImageInFlight& image);
  static void fail_questions(ImageInFlight& image);
  void fail(std::size_t index, const std::exception& error);

  Classifier& classifier_;
  const EngineOptions& options_;
  Analysis& analysis_;
  at::TensorOptions tensors_;  // that the model takes
  MaskComposer composer_;
  Prefetcher prefetcher_;
  EngineReport report_;
  std::list<std::unique_ptr<ImageInFlight>> images_;  // oldest first
  std::deque<ImageInFlight*> newcomers_;              // whose intact image has not been seen by the model
  std::array<std::deque<Row>, 3> returned_;           // from batches that did not fit into memory, by Want
  std::vector<Flight> flights_;
  std::counting_semaphore<> landed_{0};  // batches that are back
  std::list<Lane> lanes_;                // last: batches under way end before what they look at
};

}  // namespace xai
