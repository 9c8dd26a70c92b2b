#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "xai/core/file.hpp"

namespace xai::internal {

/// Where the file system knows no locks: how often the holder shows that it lives, and how long another
/// process looks on before it takes a holder that does not for dead. By clocks that do not jump, and none is
/// compared with another machine's.
struct SignsOfLife {
  std::chrono::milliseconds between = std::chrono::seconds(10);
  std::chrono::milliseconds patience = std::chrono::seconds(35);
};

class Claim;

/// Who writes to a run folder, and nobody else while it lives: a lock on its file .lock, which says whose it
/// is and is empty after. Where the file system knows no locks, .lock.held is made beside it, which only one
/// process can make, and which is gone after: see Claim.
class RunLock {
 public:
  RunLock() = default;
  /// Throws UsageError that says who holds it, where somebody writes there. Where somebody only reads, see
  /// require_alone().
  explicit RunLock(const std::filesystem::path& folder, SignsOfLife signs = {});
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;
  ~RunLock();

  /// Nothing may be written before the next: others read there.
  bool is_read() const { return is_read_; }
  /// Throws UsageError where others read there still; else is_read() is false from now on.
  void require_alone();
  /// Throws IoError where another process took this one for dead and writes there now. For any thread.
  void require_held() const;

 private:
  void say_who() const;

  std::filesystem::path folder_;
  FileDescriptor file_;
  bool locked_ = false;
  bool is_read_ = false;
  std::unique_ptr<Claim> claim_;
};

/// Keeps writers out of a run folder while somebody reads there; not where it cannot be locked. Throws
/// UsageError, as the functions below say who writes there.
FileDescriptor lock_to_read(const std::filesystem::path& folder);

/// Throws UsageError, as RunLock does, where somebody holds the lock of a run folder.
void require_unlocked(const std::filesystem::path& folder);

/// Who holds the lock of a run folder: "another running process (4242 on node7, since 2026-11-23T22:40:38Z)".
/// Nothing where nobody does; where that cannot be told, "another process, perhaps".
std::optional<std::string> lock_holder(const std::filesystem::path& folder);

}  // namespace xai::internal
