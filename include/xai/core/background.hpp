#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace xai {

/// Does jobs one after the other, in the order they were posted, on a thread of its own.
class Background {
 public:
  /// At most `most_waiting` jobs wait; post() waits for a place.
  explicit Background(std::size_t most_waiting = 32);
  /// Does what was posted; an error that finish() did not report is lost.
  ~Background();

  /// Throws what an earlier job threw, instead of taking this one; jobs behind a failed one are not done.
  void post(std::function<void()> job);
  /// Waits until everything posted is done; throws what a job threw.
  void finish();

 private:
  void work();

  std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;  // the front one is being done
  std::exception_ptr error_;
  bool closing_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace xai
