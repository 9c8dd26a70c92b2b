#include "xai/core/parallel.hpp"

#include <sched.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace xai {

int cores_allowed() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) return CPU_COUNT(&cores);
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

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
