// The only file that includes spdlog: its fmt and the one in torch's headers do not compile together.
#include "xai/core/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <functional>
#include <utility>

#include "status_line.hpp"
#include "xai/core/printable.hpp"

namespace xai::log {
namespace {

spdlog::logger& logger() {
  static const auto instance = [] {
    const bool plain = std::getenv("NO_COLOR") != nullptr;
    auto made =
        spdlog::stderr_color_mt("xai", plain ? spdlog::color_mode::never : spdlog::color_mode::automatic);
    made->set_pattern("%^%l%$: %v");
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

std::function<std::string(const std::string&)>& wording() {
  static std::function<std::string(const std::string&)> instance;
  return instance;
}

}  // namespace

void set_wording(std::function<std::string(const std::string&)> words) {
  wording() = std::move(words);
}

void set_level(Level level) {
  logger().set_level(to_spdlog(level));
}

void write(Level level, const std::string& line) {
  if (!logger().should_log(to_spdlog(level))) return;
  // names in it may come from anybody's data; texts of errors, which debug shows whole, have several lines
  const std::string text = printable(wording() ? wording()(line) : line, level == Level::debug ? "\n\t" : "");
  const internal::StatusLineHidden hidden;
  logger().log(to_spdlog(level), text);
}

}  // namespace xai::log
