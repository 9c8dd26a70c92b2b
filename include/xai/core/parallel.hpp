#pragma once

#include <cstddef>
#include <functional>

namespace xai {

/// What a scheduler of jobs, or taskset, leaves of the machine's cores.
int cores_allowed();

/// Calls job(i) for i = 0 .. count-1 on `threads` threads at once, started in that order. `keep_going` is
/// asked before each, by one thread at a time; when it says no, or a job throws, no more are started. Comes
/// back when those under way have ended, and throws what the first failed one threw.
void for_each_in_parallel(
    std::size_t count, int threads, const std::function<void(std::size_t)>& job,
    const std::function<bool()>& keep_going = [] { return true; });

}  // namespace xai
