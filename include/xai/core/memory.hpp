#pragma once

#include <cstdint>

namespace xai {

/// The largest resident set of this process so far, in bytes.
std::int64_t peak_memory_bytes();

}  // namespace xai
