#include "xai/core/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "status_line.hpp"
#include "xai/core/log.hpp"
#include "xai/core/text.hpp"

namespace xai {
namespace {

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

int terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// " evaluations/s" with its number; empty where there are none: what merges and copies has none at all.
std::string rate_text(long evaluations, double seconds) {
  if (evaluations == 0) return "";
  return cat(std::lround(static_cast<double>(evaluations) / std::max(seconds, 1e-3)), " evaluations/s");
}

}  // namespace

std::string duration_text(double seconds) {
  const long total = std::lround(seconds);
  char text[32];
  if (total < 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld", total / 60, total % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", total / 3600, total / 60 % 60, total % 60);
  return text;
}

Progress::Progress(std::string title, long total, bool enabled, long already_done)
    : title_(std::move(title)),
      total_(total),
      already_done_(already_done),
      enabled_(enabled),
      terminal_(enabled && is_terminal()),
      done_(already_done) {
  if (!terminal_) next_ += std::chrono::seconds(30);
  update(done_, 0);
}

Progress::~Progress() {
  finish();
}

void Progress::update(long done, long evaluations) {
  done_ = done;
  evaluations_ = evaluations;
  const auto now = Clock::now();
  if (!enabled_ || now < next_) return;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  if (terminal_) {
    next_ = now + std::chrono::milliseconds(100);
    internal::show_status_line(bar(seconds));
  } else {
    next_ = now + std::chrono::seconds(30);
    log::info(title_, ": ", summary(seconds));
  }
}

void Progress::finish() {
  if (!enabled_) return;
  enabled_ = false;
  if (terminal_) internal::show_status_line("");
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const std::string rate = rate_text(evaluations_, seconds);
  log::info(title_, ": ", done_, " of ", total_, rate.empty() ? "" : cat(", ", evaluations_, " evaluations"),
            " in ", duration_text(seconds), rate.empty() ? "" : cat(" (", rate, ")"));
}

std::string Progress::summary(double seconds) const {
  const std::string rate = rate_text(evaluations_, seconds);
  std::string text = cat(done_, "/", total_, rate.empty() ? "" : "  ", rate);
  if (done_ > already_done_) {
    const double each = seconds / static_cast<double>(done_ - already_done_);
    text += cat("  ", duration_text(each * static_cast<double>(total_ - done_)), " left");
  }
  return text;
}

std::string Progress::bar(double seconds) const {
  const std::string text = summary(seconds);
  const int width = terminal_width() - 1;  // a full last column would wrap
  const int cells = std::min(40, width - static_cast<int>(title_.size() + text.size()) - 5);
  if (cells < 5) return text.substr(0, std::max(width, 0));
  const int filled = total_ > 0 ? static_cast<int>(cells * done_ / total_) : cells;
  const bool color = std::getenv("NO_COLOR") == nullptr;
  return cat(title_, " [", color ? "\033[36m" : "", std::string(filled, '='), color ? "\033[0m" : "",
             std::string(cells - filled, ' '), "]  ", text);
}

}  // namespace xai
