#include "run_lock.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "xai/core/json.hpp"
#include "xai/core/log.hpp"
#include "xai/store/run_info.hpp"

namespace xai::internal {
namespace {

namespace fs = std::filesystem;

/// Who only looks holds the lock for a moment.
constexpr int tries = 5;
constexpr auto between_tries = std::chrono::milliseconds(20);

fs::path lock_file(const fs::path& folder) {
  return folder / ".lock";
}

/// What the holder wrote; nothing where it is another's from before, or not to be read.
std::string details(const fs::path& folder) try {
  const Json holder = Json::parse(read_file(lock_file(folder)));
  const pid_t process = holder.at("pid");
  const std::string host = holder.at("host"), since = holder.at("since");
  if (host == host_name() && kill(process, 0) != 0 && errno == ESRCH) return "";
  return cat(" (", process, " on ", host, ", since ", since, ")");
} catch (const std::exception&) {
  return "";
}

std::string holder_text(const fs::path& folder) {
  return "another running process" + details(folder);
}

[[noreturn]] void refuse(const fs::path& folder, const std::string& holder) {
  throw UsageError(cat(folder.string(), " is in use by ", holder, "; wait for it or choose another 'out'"));
}

/// 0, or why there is no lock: an errno value.
int lock(const FileDescriptor& file) {
  for (int i = 1; flock(file.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
    if (errno != EWOULDBLOCK || i == tries) return errno;
    std::this_thread::sleep_for(between_tries);
  }
  return 0;
}

}  // namespace

RunLock::RunLock(const fs::path& folder) : file_(lock_file(folder), O_RDWR | O_CREAT) {
  const int problem = lock(file_);
  if (problem == EWOULDBLOCK) refuse(folder, holder_text(folder));
  held_ = problem == 0;
  if (!held_) {
    log::warning(folder.string(), " cannot be locked on this file system; let only one process write to it");
    return;
  }
  const Json holder = {{"pid", getpid()}, {"host", host_name()}, {"since", utc_now()}};
  try {
    if (ftruncate(file_.get(), 0) == 0) write_all(file_, to_text(holder) + "\n", lock_file(folder));
  } catch (const IoError& error) {
    log::debug(error.what());  // a full disk: the lock holds all the same
  }
}

RunLock::~RunLock() {
  if (file_.get() >= 0 && held_ && ftruncate(file_.get(), 0) != 0) log::debug("a lock file keeps its text");
}

void require_unlocked(const fs::path& folder) {
  if (const auto holder = lock_holder(folder)) refuse(folder, *holder);
}

std::optional<std::string> lock_holder(const fs::path& folder) {
  std::error_code unreadable;
  if (!fs::exists(lock_file(folder), unreadable)) return std::nullopt;
  const int file = open(lock_file(folder).c_str(), O_RDONLY | O_CLOEXEC);
  const bool free = file >= 0 && flock(file, LOCK_SH | LOCK_NB) == 0;
  const bool taken = file >= 0 && !free && errno == EWOULDBLOCK;
  if (file >= 0) close(file);
  if (free) return std::nullopt;
  return taken ? holder_text(folder) : "another process, perhaps (its lock cannot be read)";
}

}  // namespace xai::internal
