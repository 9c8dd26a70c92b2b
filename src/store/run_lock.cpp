#include "run_lock.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <mutex>
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

fs::path claim_file(const fs::path& folder) {
  return folder / ".lock.held";
}

/// What a small file holds; nothing where it cannot be read.
std::optional<std::string> text_of(const fs::path& file) {
  try {
    return read_file(file);
  } catch (const IoError&) {
    return std::nullopt;
  }
}

/// Where a process number means the same: this boot of this machine, these namespaces.
std::string machine() {
  std::error_code error;
  std::string boot = text_of("/proc/sys/kernel/random/boot_id").value_or("");
  if (boot.ends_with('\n')) boot.pop_back();
  return boot + " " + fs::read_symlink("/proc/self/ns/pid", error).string();
}

/// When a process of this machine began, in ticks since the boot: numbers are used again. Empty: there is
/// none.
std::string beginning_of(pid_t process) {
  const std::string stat = text_of("/proc/" + std::to_string(process) + "/stat").value_or("");
  auto at = stat.rfind(')');  // of the name, which may hold anything
  for (int field = 2; field < 22 && at != stat.npos; ++field) at = stat.find(' ', at + 1);
  return at == stat.npos ? "" : stat.substr(at + 1, stat.find(' ', at + 1) - at - 1);
}

/// " (4242 on node7, since 2026-11-23T22:40:38Z)"; empty where it is another's from before, or not to be
/// read.
std::string details(const fs::path& file) try {
  const Json holder = Json::parse(read_file(file));
  const pid_t process = holder.at("pid");
  const std::string host = holder.at("host"), since = holder.at("since");
  if (host == host_name() && kill(process, 0) != 0 && errno == ESRCH) return "";
  return cat(" (", process, " on ", host, ", since ", since, ")");
} catch (const std::exception&) {
  return "";
}

std::string holder_text(const fs::path& file) {
  return "another running process" + details(file);
}

[[noreturn]] void refuse(const fs::path& folder, const std::string& holder) {
  throw UsageError(cat(folder.string(), " is in use by ", holder, "; wait for it or choose another 'out'"));
}

/// 0, or why there is no lock: an errno value.
int lock(const FileDescriptor& file, int kind = LOCK_EX) {
  for (int i = 1; flock(file.get(), kind | LOCK_NB) != 0; ++i) {
    if (errno != EINTR && (errno != EWOULDBLOCK || i >= tries)) return errno;
    std::this_thread::sleep_for(between_tries);
  }
  return 0;
}

Json holder_now() {
  return {{"pid", getpid()}, {"host", host_name()}, {"since", utc_now()}};
}

/// The number of a file in its file system; 0 where there is none.
std::uint64_t inode_of(const fs::path& file) {
  struct stat facts {};
  return lstat(file.c_str(), &facts) == 0 ? facts.st_ino : 0;
}

/// Whether the process that made a claim lives, where that can be told from here.
std::optional<bool> lives(const std::string& claim, const fs::path& file) {
  const Json holder = Json::parse(claim, nullptr, false);
  if (!holder.is_object() || holder.value("machine", Json()) != machine()) return std::nullopt;
  const Json process = holder.value("pid", Json());
  if (!process.is_number_integer()) return std::nullopt;
  if (beginning_of(process) != holder.value("process_began", Json())) return false;
  if (holder.value("inode", Json()) != inode_of(file))
    return std::nullopt;  // a copy of the folder, most likely
  return true;
}

/// A claim of another machine, whose process nobody can ask: whether it was touched a little while ago, as
/// far as two machines' clocks agree.
bool seems_alive(const fs::path& claim) {
  std::error_code gone;
  const auto touched = fs::last_write_time(claim, gone);
  return !gone && std::chrono::abs(fs::file_time_type::clock::now() - touched) < std::chrono::minutes(1);
}

}  // namespace

/// The file .lock.held of a folder that cannot be locked. Only one process can make it (O_EXCL); it says who
/// that is, and counts up while the process lives. What a killed process left is taken over: at once where
/// the machine says that the process is gone, else after a while in which it did not count.
class Claim {
 public:
  Claim(const fs::path& folder, SignsOfLife signs) : file_(claim_file(folder)), signs_(signs) {
    holder_ = holder_now();
    holder_["machine"] = machine();
    holder_["process_began"] = beginning_of(getpid());
    bool takes_over = false;
    for (; !make(); takes_over = true) {
      const std::optional<std::string> other = text_of(file_);
      if (!other && is_gone()) continue;  // just now
      if (!other || !is_dead(*other)) refuse(folder, holder_text(file_));
      take_from(folder, *other);
    }
    if (takes_over) {  // perhaps with others, one of which may have this claim in its hands: see take_from()
      std::this_thread::sleep_for(5 * between_tries);
      if (!is_ours()) refuse(folder, holder_text(file_));
    }
    thread_ = std::thread([this] { live(); });
  }

  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

  ~Claim() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
    if (is_ours()) unlink(file_.c_str());
    close(made_);
  }

  /// The file is still the one that this process made.
  bool is_ours() const {
    if (holder_.at("inode") == inode_of(file_)) return true;
    const Json there =
        Json::parse(text_of(file_).value_or(""), nullptr, false);  // a file system may number files anew
    const auto same = [&](const char* field) { return there.value(field, Json()) == holder_.at(field); };
    return there.is_object() && same("machine") && same("pid") && same("process_began");
  }

 private:
  /// False: there is one.
  bool make() {
    made_ = open(file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (made_ < 0 && errno != EEXIST) throw io_error("create", file_, errno);
    if (made_ < 0) return false;
    holder_["inode"] = inode_of(file_);
    count(0);
    return true;
  }

  bool is_gone() const { return !fs::exists(fs::symlink_status(file_)); }

  /// As many bytes each time: they need no place on the disk.
  void count(long signs) const {
    char digits[24];
    std::snprintf(digits, sizeof digits, "%012ld", signs);
    Json holder = holder_;
    holder["signs"] = digits;
    const std::string text = to_text(holder) + "\n";
    [[maybe_unused]] const auto written = pwrite(made_, text.data(), text.size(), 0);
  }

  void live() {
    std::unique_lock lock(mutex_);
    for (long signs = 1; !changed_.wait_for(lock, signs_.between, [this] { return ending_; }); ++signs)
      count(signs);
  }

  bool is_dead(const std::string& claim) const {
    if (const auto known = lives(claim, file_)) return !*known;
    log::info(file_.string(), ": looking whether its process, on another machine, lives");
    const auto end = std::chrono::steady_clock::now() + signs_.patience;
    while (std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::min(signs_.between, signs_.patience) / 4);
      if (text_of(file_) != claim) return is_gone();
    }
    return true;
  }

  /// Removes a dead claim, and no other: one that a third process made meanwhile goes back.
  void take_from(const fs::path& folder, const std::string& dead) const {
    const std::string aside = cat(file_.string(), '.', host_name(), '.', getpid());
    if (rename(file_.c_str(), aside.c_str()) != 0) {
      if (errno == ENOENT) return;
      throw io_error("rename", file_, errno);
    }
    const bool is_dead_one = text_of(aside) == dead;
    if (!is_dead_one) [[maybe_unused]]
      const int back = link(aside.c_str(), file_.c_str());
    unlink(aside.c_str());
    if (!is_dead_one) refuse(folder, holder_text(file_));
    log::warning(folder.string(), ": taking over from a process that is gone", details_of(dead));
  }

  static std::string details_of(const std::string& claim) {
    const Json holder = Json::parse(claim, nullptr, false);
    if (!holder.is_object()) return "";
    return cat(" (", to_text(holder.value("pid", Json())), " on ", holder.value("host", ""), ")");
  }

  const fs::path file_;
  const SignsOfLife signs_;
  Json holder_;
  int made_ = -1;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  std::thread thread_;
};

RunLock::RunLock(const fs::path& folder, SignsOfLife signs)
    : folder_(folder), file_(lock_file(folder), O_RDWR | O_CREAT | O_NOFOLLOW) {
  const int problem = lock(file_);
  is_read_ = problem == EWOULDBLOCK && lock(file_, LOCK_SH) == 0;
  if (problem == EWOULDBLOCK && !is_read_) refuse(folder, holder_text(lock_file(folder)));
  locked_ = problem == 0;
  // also where another machine cannot lock what this one can
  const bool claimed = fs::exists(fs::symlink_status(claim_file(folder)));
  if (!locked_ && !is_read_)
    log::info(folder.string(), " cannot be locked on this file system (", std::strerror(problem),
              "): ", claim_file(folder).filename().string(), " keeps other processes out");
  if (claimed || (!locked_ && !is_read_)) claim_ = std::make_unique<Claim>(folder, signs);
  if (locked_) say_who();
}

RunLock::~RunLock() {
  if (locked_ && ftruncate(file_.get(), 0) != 0) log::debug("a lock file keeps its text");
}

void RunLock::say_who() const {
  try {
    if (ftruncate(file_.get(), 0) == 0) write_all(file_, to_text(holder_now()) + "\n", lock_file(folder_));
  } catch (const IoError& error) {
    log::debug(error.what());  // a full disk: the lock holds all the same
  }
}

void RunLock::require_alone() {
  if (!is_read_) return;
  if (lock(file_) != 0)
    throw UsageError(cat(folder_.string(),
                         " is being read by another running process, which has to find it as it was; wait "
                         "for its end or choose another 'out'"));
  is_read_ = false;
  locked_ = true;
  say_who();
}

void RunLock::require_held() const {
  if (claim_ && !claim_->is_ours())
    throw IoError(
        cat("another process took over ", folder_.string(),
            ", because this one gave no sign of life: it was suspended, or cut off from the file system; "
            "what it had saved is there"));
}

FileDescriptor lock_to_read(const fs::path& folder) {
  std::error_code unreadable;
  FileDescriptor file;
  if (!fs::exists(lock_file(folder), unreadable)) return file;
  const auto refuse_to_read = [&](const std::string& holder) {
    throw UsageError(cat(folder.string(), " is still written to by ", holder, "; wait for its end"));
  };
  try {
    file = FileDescriptor(lock_file(folder), O_RDONLY | O_NONBLOCK);
  } catch (const IoError& error) {
    log::debug(error.what());  // a folder that may be read, and its lock may not
    return file;
  }
  if (lock(file, LOCK_SH) == EWOULDBLOCK) refuse_to_read(holder_text(lock_file(folder)));
  if (const auto holder = lock_holder(folder)) refuse_to_read(*holder);  // by a claim
  return file;
}

void require_unlocked(const fs::path& folder) {
  if (const auto holder = lock_holder(folder)) refuse(folder, *holder);
}

std::optional<std::string> lock_holder(const fs::path& folder) {
  std::error_code unreadable;
  if (!fs::exists(lock_file(folder), unreadable)) return std::nullopt;
  const int file = open(lock_file(folder).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const bool readable = file >= 0 && fs::is_regular_file(lock_file(folder), unreadable);
  const bool taken = readable && flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (file >= 0) close(file);
  if (taken) return holder_text(lock_file(folder));
  if (!readable) return "another process, perhaps (its lock cannot be read)";
  const fs::path claim = claim_file(folder);
  if (!fs::exists(fs::symlink_status(claim))) return std::nullopt;
  return lives(text_of(claim).value_or(""), claim).value_or(seems_alive(claim))
             ? std::optional(holder_text(claim))
             : std::nullopt;
}

}  // namespace xai::internal
