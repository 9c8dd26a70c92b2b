#pragma once

#include <functional>
#include <string>

#include "xai/core/text.hpp"

namespace xai::log {

enum class Level { debug, info, warning, error, off };

/// Sets what reaches stderr (default: info). Thread-safe, as all of this header.
void set_level(Level level);

/// What becomes of a line before it is written: a program may speak of options otherwise than the library.
/// Call before there are threads.
void set_wording(std::function<std::string(const std::string&)> words);

/// Writes one line to stderr. The progress bar, where one is shown, is moved out of the way.
void write(Level level, const std::string& line);

template <class... Parts>
void debug(const Parts&... parts) {
  write(Level::debug, cat(parts...));
}
template <class... Parts>
void info(const Parts&... parts) {
  write(Level::info, cat(parts...));
}
template <class... Parts>
void warning(const Parts&... parts) {
  write(Level::warning, cat(parts...));
}
template <class... Parts>
void error(const Parts&... parts) {
  write(Level::error, cat(parts...));
}

}  // namespace xai::log
