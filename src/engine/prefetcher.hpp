#pragma once

#include <c10/util/ParallelGuard.h>

#include <cstddef>
#include <deque>
#include <future>

#include "xai/engine/engine.hpp"

namespace xai {

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

}  // namespace xai
