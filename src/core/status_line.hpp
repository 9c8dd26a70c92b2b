#pragma once

#include <string>

namespace xai::internal {

/// The one line at the bottom of the terminal that is rewritten in place: the progress bar. All calls are
/// thread-safe. Empty: no line.
void show_status_line(const std::string& line);

/// While one lives, the status line is off the screen and nobody redraws it.
class StatusLineHidden {
 public:
  StatusLineHidden();
  StatusLineHidden(const StatusLineHidden&) = delete;
  StatusLineHidden& operator=(const StatusLineHidden&) = delete;
  ~StatusLineHidden();
};

}  // namespace xai::internal
