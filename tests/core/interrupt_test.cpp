#include "xai/core/interrupt.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>

namespace xai {
namespace {

// each in a process of its own, since the handlers and the flag are the process's
[[noreturn]] void raise_and_report(std::initializer_list<int> signals) {
  install_interrupt_handlers();
  if (interrupted()) std::exit(99);
  for (const int signal_number : signals) raise(signal_number);
  std::exit(interrupted() ? 42 : 98);
}

TEST(InterruptDeathTest, EachSignalIsOnlyNoted) {
  for (const int signal_number : {SIGINT, SIGTERM, SIGUSR1})
    EXPECT_EXIT(raise_and_report({signal_number}), testing::ExitedWithCode(42), "") << signal_number;
}

TEST(InterruptDeathTest, OnlyASecondInterruptKeyEndsAtOnce) {
  EXPECT_EXIT(raise_and_report({SIGINT, SIGINT}), testing::ExitedWithCode(130), "");
  EXPECT_EXIT(raise_and_report({SIGUSR1, SIGTERM, SIGTERM, SIGINT}), testing::ExitedWithCode(42), "");
}

}  // namespace
}  // namespace xai
