// A library for LD_PRELOAD that makes the system fail, for tests alone. It counts a program's calls on files
// under one folder, and lets the N-th of a kind fail, be short, or be the last thing that the process does.
//
//   XAI_FAULT_UNDER   the folder, without links in it
//   XAI_FAULT         CALLS:N:WHAT, or CALLS:N+:WHAT for the N-th and all after it
//                     CALLS  names joined by commas: write (and pwrite), read (and pread), fsync, rename,
//                     ftruncate, create,
//                            unlink, mkdir, flock, or "change" for all of these but read and flock
//                     N      from 1, counted over all of CALLS together
//                     WHAT   a number of errno by name; "short": half is written or read; "torn": half is
//                     written, and the
//                            next write fails with ENOSPC; "kill": SIGKILL before the call; "torn-kill": half
//                            is written, then SIGKILL
//   XAI_FAULT_LOG     a file that gets a line "hit CALL PATH" for each fault, and at the end "CALL COUNT" for
//   each kind XAI_CLOCK_JUMPS   a seed: CLOCK_REALTIME and time() jump by up to two days, back and forth
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

namespace {

enum Call {
  call_write,
  call_read,
  call_fsync,
  call_rename,
  call_ftruncate,
  call_create,
  call_unlink,
  call_mkdir,
  call_flock,
  calls
};
constexpr std::array<const char*, calls> names = {"write",  "read",   "fsync", "rename", "ftruncate",
                                                  "create", "unlink", "mkdir", "flock"};

enum class Fault { none, error, half, torn, kill, torn_kill };

/// The next one of a name: the system's own.
template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

int number_of(const std::string& name) {
  static const struct {
    const char* name;
    int number;
  } errors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS},
                {"ENOLCK", ENOLCK}, {"ENOSYS", ENOSYS}, {"EINTR", EINTR},   {"EOPNOTSUPP", EOPNOTSUPP},
                {"EACCES", EACCES}, {"ESTALE", ESTALE}};
  for (const auto& error : errors)
    if (name == error.name) return error.number;
  std::fprintf(stderr, "XAI_FAULT: unknown %s\n", name.c_str());
  _exit(99);
}

struct Plan {
  std::string under, log;
  std::array<bool, calls> chosen{};
  long first = 0;
  bool on = false, all_after = false;
  Fault fault = Fault::none;
  int error = 0;
  std::atomic<long> count = 0;
  std::array<std::atomic<long>, calls> counts{};
  std::atomic<bool> full = false;  // after "torn"

  Plan() {
    if (const char* text = std::getenv("XAI_FAULT_UNDER")) under = text;
    if (const char* text = std::getenv("XAI_FAULT_LOG")) log = text;
    const char* text = std::getenv("XAI_FAULT");
    if (!text || !*text || under.empty()) return;
    const std::string rule = text;
    const auto one = rule.find(':'), two = rule.find(':', one + 1);
    const std::string which = "," + rule.substr(0, one) + ",", what = rule.substr(two + 1);
    for (int call = 0; call < calls; ++call)
      chosen[call] = which.find(std::string(",") + names[call] + ",") != which.npos ||
                     (which == ",change," && call != call_read && call != call_flock);
    first = std::atol(rule.c_str() + one + 1);
    all_after = rule[two - 1] == '+';
    fault = what == "short"       ? Fault::half
            : what == "torn"      ? Fault::torn
            : what == "kill"      ? Fault::kill
            : what == "torn-kill" ? Fault::torn_kill
                                  : Fault::error;
    if (fault == Fault::error) error = number_of(what);
    on = true;
  }

  void say_counts() const {
    for (int call = 0; call < calls; ++call)
      say(std::string(names[call]) + " " + std::to_string(counts[call]) + "\n");
  }

  void say(const std::string& line) const {
    if (log.empty()) return;
    static const auto write = real<ssize_t (*)(int, const void*, size_t)>("write");
    const int file =
        real<int (*)(const char*, int, ...)>("open")(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    [[maybe_unused]] const auto written = write(file, line.data(), line.size());
    close(file);
  }

  bool lies_under(const std::string& path) const {
    return !under.empty() && path.starts_with(under) &&
           (path.size() == under.size() || path[under.size()] == '/');
  }

  /// What happens to a call on `path`.
  Fault next(Call call, const std::string& path) {
    if (!lies_under(path)) return Fault::none;
    ++counts[call];
    if (full && call == call_write) {
      errno = ENOSPC;
      return Fault::error;
    }
    if (!on || !chosen[call]) return Fault::none;
    const long number = ++count;
    if (number != first && !(all_after && number > first)) return Fault::none;
    say(std::string("hit ") + names[call] + " " + path + "\n");
    if (fault == Fault::kill) raise(SIGKILL);
    if (fault == Fault::error) errno = error;
    if ((fault == Fault::half || fault == Fault::torn || fault == Fault::torn_kill) && call != call_write &&
        call != call_read)
      return Fault::none;
    if (fault == Fault::torn) full = true;
    return fault;
  }
};

/// Lives for ever: other threads still write when the process ends.
Plan& plan() {
  static Plan& the = *new Plan;
  static const bool registered = std::atexit([] { plan().say_counts(); }) == 0;
  (void)registered;
  return the;
}

std::string path_of(int file) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  const ssize_t size = readlink(link.c_str(), path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string absolute(const char* path) {
  if (path[0] == '/') return path;
  std::array<char, 4096> folder{};
  return getcwd(folder.data(), folder.size()) ? std::string(folder.data()) + "/" + path : std::string(path);
}

Fault at_file(Call call, int file) {
  return plan().under.empty() ? Fault::none : plan().next(call, path_of(file));
}

Fault at_path(Call call, const char* path) {
  return plan().under.empty() ? Fault::none : plan().next(call, absolute(path));
}

/// Does `work(bytes)` with all of them, with half, or not at all.
template <class Work>
ssize_t transfer(Call call, int file, size_t bytes, Work work) {
  switch (at_file(call, file)) {
    case Fault::error:
      return -1;
    case Fault::half:
    case Fault::torn:
      return work(bytes > 1 ? bytes / 2 : bytes);
    case Fault::torn_kill:
      work(bytes / 2);
      raise(SIGKILL);
      return -1;
    default:
      return work(bytes);
  }
}

template <class Work>
int decide(Fault fault, Work work) {
  return fault == Fault::error ? -1 : work();
}

int open_file(const char* name, const char* path, int flags, mode_t mode) {
  const auto work = [&] { return real<int (*)(const char*, int, ...)>(name)(path, flags, mode); };
  return (flags & O_CREAT) == 0 ? work() : decide(at_path(call_create, path), work);
}

/// Seconds that the clock is off, new at each look.
time_t jump() {
  static const char* seed = std::getenv("XAI_CLOCK_JUMPS");
  if (!seed) return 0;
  static std::atomic<unsigned long> state = std::strtoul(seed, nullptr, 10);
  const unsigned long now = state = state * 6364136223846793005UL + 1442695040888963407UL;
  return static_cast<time_t>((now >> 33) % 345600) - 172800;
}

}  // namespace

extern "C" {

ssize_t write(int file, const void* bytes, size_t size) {
  static const auto next = real<ssize_t (*)(int, const void*, size_t)>("write");
  return transfer(call_write, file, size, [&](size_t part) { return next(file, bytes, part); });
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t place) {
  static const auto next = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return transfer(call_write, file, size, [&](size_t part) { return next(file, bytes, part, place); });
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off_t place) {
  return pwrite(file, bytes, size, place);
}

ssize_t read(int file, void* bytes, size_t size) {
  static const auto next = real<ssize_t (*)(int, void*, size_t)>("read");
  return transfer(call_read, file, size, [&](size_t part) { return next(file, bytes, part); });
}

ssize_t pread(int file, void* bytes, size_t size, off_t place) {
  static const auto next = real<ssize_t (*)(int, void*, size_t, off_t)>("pread");
  return transfer(call_read, file, size, [&](size_t part) { return next(file, bytes, part, place); });
}

ssize_t pread64(int file, void* bytes, size_t size, off_t place) {
  return pread(file, bytes, size, place);
}

int fsync(int file) {
  static const auto next = real<int (*)(int)>("fsync");
  return decide(at_file(call_fsync, file), [&] { return next(file); });
}

int ftruncate(int file, off_t size) noexcept {
  static const auto next = real<int (*)(int, off_t)>("ftruncate");
  return decide(at_file(call_ftruncate, file), [&] { return next(file, size); });
}

int ftruncate64(int file, off_t size) noexcept {
  return ftruncate(file, size);
}

int rename(const char* from, const char* to) noexcept {
  static const auto next = real<int (*)(const char*, const char*)>("rename");
  return decide(at_path(call_rename, to), [&] { return next(from, to); });
}

int unlink(const char* path) noexcept {
  static const auto next = real<int (*)(const char*)>("unlink");
  return decide(at_path(call_unlink, path), [&] { return next(path); });
}

int mkdir(const char* path, mode_t mode) noexcept {
  static const auto next = real<int (*)(const char*, mode_t)>("mkdir");
  return decide(at_path(call_mkdir, path), [&] { return next(path, mode); });
}

int flock(int file, int operation) noexcept {
  static const auto next = real<int (*)(int, int)>("flock");
  return decide(at_file(call_flock, file), [&] { return next(file, operation); });
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_file("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_file("open64", path, flags, mode);
}

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  static const auto next = real<int (*)(clockid_t, timespec*)>("clock_gettime");
  const int result = next(clock, now);
  if (clock == CLOCK_REALTIME) now->tv_sec += jump();
  return result;
}

time_t time(time_t* place) noexcept {
  static const auto next = real<time_t (*)(time_t*)>("time");
  const time_t now = next(nullptr) + jump();
  if (place) *place = now;
  return now;
}

}  // extern "C"
