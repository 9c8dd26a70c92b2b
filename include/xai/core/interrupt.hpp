#pragma once

#include <filesystem>

namespace xai {

/// From now on SIGINT, SIGTERM, SIGHUP (unless it is ignored, as nohup has it), SIGUSR1, SIGUSR2, SIGALRM and
/// SIGXCPU only make interrupted() true, so that a run can save and stop. A second SIGINT ends the process at
/// once with exit code 130. SIGQUIT and crashes end it as ever. All three say their LastWord. A pipe that
/// nobody reads any more and a file over its limit (SIGPIPE, SIGXFSZ) end nothing: writing fails.
void install_interrupt_handlers();

/// One of the signals has come.
bool interrupted();

/// A word in a file that is to be replaced by another of its length if the process ends before this object
/// does: by `stopped` where somebody ends it, by `failed` where it crashes.
class LastWord {
 public:
  /// The word begins at byte `offset` of `file`, which keeps its place. The words outlive the process' last
  /// one. A file that cannot be opened, or more than a few at once, are left as they are.
  LastWord(const std::filesystem::path& file, long offset, const char* stopped, const char* failed);
  LastWord(const LastWord&) = delete;
  LastWord& operator=(const LastWord&) = delete;
  ~LastWord();

  /// Replaces the word now. It needs no place on the disk.
  void say_failed() const;

 private:
  struct Place;
  friend void say_last_words(bool crashed);
  static Place places[];

  Place* place_ = nullptr;
};

}  // namespace xai
