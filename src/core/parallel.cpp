#include "xai/core/parallel.hpp"

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace xai {

void for_each_in_parallel(std::size_t count, int threads, const std::function<void(std::size_t)>& job,
                          const std::function<bool()>& keep_going) {
  std::mutex mutex;
  std::size_t next = 0;
  std::exception_ptr error;
  const auto work = [&] {
    while (true) {
      std::size_t mine = 0;
      try {
        {
          const std::lock_guard lock(mutex);
          if (error || next == count || !keep_going()) return;
          mine = next++;
        }
        job(mine);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
        return;
      }
    }
  };
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i) workers.emplace_back(work);
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace xai
