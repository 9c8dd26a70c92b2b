#include "xai/core/interrupt.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <csignal>
#include <cstdlib>

#include "temporary_folder.hpp"
#include "xai/core/file.hpp"

namespace xai {
namespace {

/// Handlers as of a program that a terminal started: what starts the tests may ignore some signals.
void install_anew() {
  for (const int signal_number : {SIGINT, SIGQUIT, SIGHUP}) std::signal(signal_number, SIG_DFL);
  install_interrupt_handlers();
}

// each in a process of its own, since the handlers and the flag are the process's
[[noreturn]] void raise_and_report(std::initializer_list<int> signals) {
  install_anew();
  if (interrupted()) std::exit(99);
  for (const int signal_number : signals) raise(signal_number);
  std::exit(interrupted() ? 42 : 98);
}

TEST(InterruptDeathTest, EachSignalIsOnlyNoted) {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU})
    EXPECT_EXIT(raise_and_report({signal_number}), testing::ExitedWithCode(42), "") << signal_number;
}

TEST(InterruptDeathTest, OnlyASecondInterruptKeyEndsAtOnce) {
  EXPECT_EXIT(raise_and_report({SIGINT, SIGINT}), testing::ExitedWithCode(130), "");
  EXPECT_EXIT(raise_and_report({SIGUSR1, SIGTERM, SIGTERM, SIGINT}), testing::ExitedWithCode(42), "");
}

TEST(InterruptDeathTest, AHangupThatIsIgnoredStaysSo) {
  const auto as_nohup = [] {
    std::signal(SIGHUP, SIG_IGN);
    install_interrupt_handlers();
    raise(SIGHUP);
    std::exit(interrupted() ? 98 : 42);
  };
  EXPECT_EXIT(as_nohup(), testing::ExitedWithCode(42), "");
}

TEST(InterruptDeathTest, AClosedPipeAndALargeFileEndNothing) {
  const auto raises = [] {
    install_interrupt_handlers();
    raise(SIGPIPE);
    raise(SIGXFSZ);
    std::exit(interrupted() ? 98 : 42);
  };
  EXPECT_EXIT(raises(), testing::ExitedWithCode(42), "");
}

/// A file that holds "status: running." of a process that a signal ends while it has a last word there.
class LastWords {
 public:
  LastWords() { write_file_atomically(file_, "status: running."); }

  [[noreturn]] void end_by(std::initializer_list<int> signals) const {
    install_anew();
    const LastWord word(file_, 8, "stopped", "failed ");
    { const LastWord gone(folder_ / "other", 0, "lost", "lost"); }
    for (const int signal_number : signals) raise(signal_number);
    std::exit(42);
  }
  std::string text() const { return read_file(file_); }

 private:
  const TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_ / "file";
};

TEST(InterruptDeathTest, TheLastWordIsSaidWhateverEndsTheProcess) {
  for (const int signal_number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    const LastWords words;
    EXPECT_EXIT(words.end_by({signal_number}), testing::KilledBySignal(signal_number), "");
    EXPECT_EQ(words.text(), "status: failed .") << signal_number;
  }
  const LastWords quit, twice, noted;
  EXPECT_EXIT(quit.end_by({SIGQUIT}), testing::KilledBySignal(SIGQUIT), "");
  EXPECT_EQ(quit.text(), "status: stopped.");
  EXPECT_EXIT(twice.end_by({SIGINT, SIGINT}), testing::ExitedWithCode(130), "");
  EXPECT_EQ(twice.text(), "status: stopped.");
  EXPECT_EXIT(noted.end_by({SIGTERM}), testing::ExitedWithCode(42), "");
  EXPECT_EQ(noted.text(), "status: running.");
}

}  // namespace
}  // namespace xai
