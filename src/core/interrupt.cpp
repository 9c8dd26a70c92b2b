#include "xai/core/interrupt.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

namespace xai {

// What a signal handler may look at: no lock, no memory of its own.
struct LastWord::Place {
  std::atomic<bool> taken = false;
  std::atomic<int> file = -1;  // -1: nothing to say
  long offset = 0;
  const char* stopped = "";
  const char* failed = "";

  void say(const char* word) const {
    const int descriptor = file;
    if (descriptor < 0) return;
    [[maybe_unused]] const auto written = pwrite(descriptor, word, std::strlen(word), offset);
  }
};

LastWord::Place LastWord::places[8];

LastWord::LastWord(const std::filesystem::path& file, long offset, const char* stopped, const char* failed) {
  for (Place& place : places) {
    if (place.taken.exchange(true)) continue;
    place_ = &place;
    place.offset = offset;
    place.stopped = stopped;
    place.failed = failed;
    place.file = open(file.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    return;
  }
}

LastWord::~LastWord() {
  if (!place_) return;
  if (const int descriptor = place_->file.exchange(-1); descriptor >= 0) close(descriptor);
  place_->taken = false;
}

void LastWord::say_failed() const {
  if (place_) place_->say(place_->failed);
}

void say_last_words(bool crashed) {
  for (const LastWord::Place& place : LastWord::places) place.say(crashed ? place.failed : place.stopped);
}

namespace {

constexpr int graceful[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU};
constexpr int harmless[] = {SIGPIPE, SIGXFSZ};
constexpr int sudden[] = {SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};

std::atomic<bool> came = false;
std::atomic<bool> interrupt_key_pressed = false;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "a signal handler may not wait");

void note(int signal_number) {
  came = true;
  if (signal_number != SIGINT || !interrupt_key_pressed.exchange(true)) return;
  say_last_words(/*crashed=*/false);
  if (isatty(STDERR_FILENO) == 1) {  // leave the shell's prompt a line of its own
    [[maybe_unused]] const auto written = write(STDERR_FILENO, "\n", 1);
  }
  _exit(130);
}

/// Set with SA_RESETHAND: the signal comes again when this returns, and does what it does.
void end(int signal_number) {
  say_last_words(/*crashed=*/signal_number != SIGQUIT);
  raise(signal_number);
}

void set(int signal_number, void (*handler)(int), int flags) {
  struct sigaction action {
  }, before{};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  sigaction(signal_number, nullptr, &before);
  const bool taken = handler == end && before.sa_handler != SIG_DFL;  // a sanitizer's, a debugger's
  const bool outlives_its_terminal = signal_number == SIGHUP && before.sa_handler == SIG_IGN;
  if (!taken && !outlives_its_terminal) sigaction(signal_number, &action, nullptr);
}

}  // namespace

void install_interrupt_handlers() {
  for (const int signal_number : graceful) set(signal_number, note, SA_RESTART);
  for (const int signal_number : harmless) set(signal_number, SIG_IGN, 0);
  for (const int signal_number : sudden) set(signal_number, end, SA_RESETHAND);
}

bool interrupted() {
  return came;
}

}  // namespace xai
