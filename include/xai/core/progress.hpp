#pragma once

#include <chrono>
#include <string>

namespace xai {

/// Tells the user how far a run is. On a terminal (stderr) a bar, redrawn at most ten times a second;
/// elsewhere a log line every 30 seconds; at the end one line with the totals. Log lines appear above the
/// bar. NO_COLOR is respected. Use from one thread; one bar at a time.
class Progress {
 public:
  /// `total` images of which `already_done` were done by an earlier run (they do not count for the speed).
  /// Nothing is ever printed unless `enabled`.
  Progress(std::string title, long total, bool enabled, long already_done = 0);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  /// `done` images, earlier ones included; `evaluations`: model rows since the construction.
  void update(long done, long evaluations);
  /// Takes the bar away and prints the last line; later calls, and the destructor's, do nothing.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  std::string summary(double seconds) const;
  std::string bar(double seconds) const;

  std::string title_;
  long total_;
  long already_done_;
  bool enabled_;
  bool terminal_;
  long done_;
  long evaluations_ = 0;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_;
};

/// 75 -> "1:15", 4000 -> "1:06:40".
std::string duration_text(double seconds);

}  // namespace xai
