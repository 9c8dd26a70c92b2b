#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "xai/core/file.hpp"

namespace xai::internal {

/// Who writes to a run folder, and nobody else while it lives: a lock on its file .lock, which says whose it
/// is and is empty after.
class RunLock {
 public:
  RunLock() = default;
  /// Throws UsageError that says who holds it, where somebody does. Where the file system knows no locks, a
  /// warning is logged.
  explicit RunLock(const std::filesystem::path& folder);
  RunLock(RunLock&&) noexcept = default;
  RunLock& operator=(RunLock&&) noexcept = default;
  ~RunLock();

  /// Nobody else writes there for sure.
  bool held() const { return held_; }

 private:
  FileDescriptor file_;
  bool held_ = false;
};

/// Throws UsageError, as RunLock does, where somebody holds the lock of a run folder.
void require_unlocked(const std::filesystem::path& folder);

/// Who holds the lock of a run folder: "another running process (4242 on node7, since 2026-11-23T22:40:38Z)".
/// Nothing where nobody does; where that cannot be told, "another process, perhaps".
std::optional<std::string> lock_holder(const std::filesystem::path& folder);

}  // namespace xai::internal
