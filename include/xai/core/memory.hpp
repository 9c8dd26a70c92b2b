#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <optional>

namespace xai {

/// The largest resident set of this process so far, in bytes.
std::int64_t peak_memory_bytes();

/// What can be allocated now without swapping, in bytes, as the system estimates it; nothing where it does
/// not say.
std::optional<std::int64_t> available_memory_bytes();

/// While it lives, allocating more than `bytes` beyond what this process has now fails, instead of the system
/// killing it for memory that it promised and does not have. Nothing where the system does not say what it
/// has.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::int64_t bytes);
  ~MemoryLimit();
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit before_{};
  bool set_ = false;
};

/// Makes malloc keep freed memory instead of returning it to the system: a model's activations are as large
/// in every batch, and fresh pages cost up to half of its time on a CPU. Call first thing in
/// main().
void keep_freed_memory();

}  // namespace xai
