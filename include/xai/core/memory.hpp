#pragma once

#include <cstdint>
#include <optional>

namespace xai {

/// The largest resident set of this process so far, in bytes.
std::int64_t peak_memory_bytes();

/// What can be allocated now without swapping, in bytes, as the system estimates it; nothing where it does
/// not say.
std::optional<std::int64_t> available_memory_bytes();

/// Makes malloc keep freed memory instead of returning it to the system: a model's activations are as large
/// in every batch, and fresh pages cost up to half of its time on a CPU. Call first thing in
/// main().
void keep_freed_memory();

}  // namespace xai
