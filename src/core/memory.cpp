#include "xai/core/memory.hpp"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>

namespace xai {
namespace {

/// "KEY 1234 kB" of a file of the system, in bytes.
std::optional<std::int64_t> bytes_of(std::string_view wanted, const char* file) {
  std::ifstream lines(file);
  for (std::string key, rest; lines >> key; std::getline(lines, rest)) {
    std::int64_t kibibytes = 0;
    if (key == wanted && lines >> kibibytes) return 1024 * kibibytes;
  }
  return {};
}

/// Of this process: what RLIMIT_DATA counts.
std::optional<std::int64_t> data_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t pages = 0;
  for (int field = 0; field < 6; ++field) statm >> pages;  // the sixth is data and stack
  return statm ? std::optional(pages * sysconf(_SC_PAGESIZE)) : std::nullopt;
}

}  // namespace

std::int64_t peak_memory_bytes() {
  if (const auto bytes = bytes_of("VmHWM:", "/proc/self/status")) return *bytes;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);  // at least that of the process which started this one
  return std::int64_t{1024} * usage.ru_maxrss;
}

std::optional<std::int64_t> available_memory_bytes() {
  return bytes_of("MemAvailable:", "/proc/meminfo");
}

MemoryLimit::MemoryLimit(std::int64_t bytes) {
  const auto now = data_bytes();
  if (!now || getrlimit(RLIMIT_DATA, &before_) != 0) return;
  rlimit limit = before_;
  limit.rlim_cur = std::min(before_.rlim_cur, static_cast<rlim_t>(*now + bytes));
  set_ = setrlimit(RLIMIT_DATA, &limit) == 0;
}

MemoryLimit::~MemoryLimit() {
  if (set_) setrlimit(RLIMIT_DATA, &before_);
}

void keep_freed_memory() {
  mallopt(M_ARENA_MAX, 1);  // one heap for all threads: others are small, and shrink
  mallopt(M_MMAP_MAX, 0);   // large blocks come from the heap as well
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 256 << 20);
}

}  // namespace xai
