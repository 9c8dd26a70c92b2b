#include "xai/core/memory.hpp"

#include <sys/resource.h>

namespace xai {

std::int64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{1024} * usage.ru_maxrss;
}

}  // namespace xai
