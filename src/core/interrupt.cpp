#include "xai/core/interrupt.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace xai {
namespace {

std::atomic<bool> came = false;
std::atomic<bool> interrupt_key_pressed = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not wait");

void handle(int signal_number) {
  came = true;
  if (signal_number != SIGINT || !interrupt_key_pressed.exchange(true)) return;
  if (isatty(STDERR_FILENO) == 1) {  // leave the shell's prompt a line of its own
    [[maybe_unused]] const auto written = write(STDERR_FILENO, "\n", 1);
  }
  _exit(130);
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal_number : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal_number, &action, nullptr);
}

bool interrupted() {
  return came;
}

}  // namespace xai
