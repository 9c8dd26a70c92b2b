#include "xai/core/progress.hpp"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "xai/core/log.hpp"

namespace xai {
namespace {

/// What `work` writes to a terminal of 100 columns, run in a process of its own.
std::string on_terminal(const std::function<void()>& work) {
  winsize size{};
  size.ws_row = 24;
  size.ws_col = 100;
  int terminal = -1;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) {
    setenv("TERM", "xterm", 1);
    work();
    _exit(0);
  }
  std::string text;
  char block[4096];
  for (ssize_t count; (count = read(terminal, block, sizeof block)) > 0;) text.append(block, count);
  close(terminal);
  waitpid(child, nullptr, 0);
  return text;
}

/// The lines that stay on the screen, carriage return and "erase to the end of the line" obeyed.
std::vector<std::string> screen(const std::string& text) {
  std::vector<std::string> lines(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 4, "\r\033[K") == 0) {
      lines.back().clear();
      i += 3;
    } else if (text[i] == '\n') {
      lines.emplace_back();
    } else if (text[i] == '\033') {
      i = text.find('m', i);
    } else if (text[i] != '\r') {
      lines.back() += text[i];
    }
  }
  return lines;
}

void wait_for_redraw() {
  usleep(110'000);
}

TEST(Progress, LogLinesStandAboveTheBarAndTheLastLineIsClean) {
  const auto text = on_terminal([] {
    Progress progress("images", 20, true);
    progress.update(5, 1000);
    log::warning("first");
    wait_for_redraw();
    progress.update(10, 2000);
    log::warning("second");
  });
  EXPECT_NE(text.find("images [\033[36m====================\033[0m                    ]  10/20"),
            std::string::npos)
      << text;
  const auto lines = screen(text);
  ASSERT_EQ(lines.size(), 4U) << text;
  EXPECT_EQ(lines[0], "warning: first");
  EXPECT_EQ(lines[1], "warning: second");
  EXPECT_EQ(lines[2].find("info: images: 10 of 20, 2000 evaluations in 0:00 ("), 0U) << lines[2];
  EXPECT_EQ(lines[3], "");
}

TEST(Progress, RedrawsAtMostTenTimesASecond) {
  const auto start = std::chrono::steady_clock::now();
  const auto text = on_terminal([] {
    Progress progress("images", 1000, true);
    for (int i = 1; i <= 35; ++i) {
      progress.update(i, i);
      usleep(10'000);
    }
  });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  int bars = 0;
  for (std::size_t at = 0; (at = text.find("images [", at)) != std::string::npos; ++at) ++bars;
  EXPECT_GE(bars, 2);
  EXPECT_LE(bars, 1 + 10 * seconds);
}

TEST(Progress, NoBarLineIsWiderThanTheTerminal) {
  const auto text = on_terminal([] {
    Progress progress(std::string(95, 'x'), 1000, true, 10);
    wait_for_redraw();
    progress.update(500, 1'000'000'000);
    log::warning("end");
  });
  for (const auto& line : screen(text.substr(0, text.find("warning")))) EXPECT_LT(line.size(), 100U) << line;
}

TEST(Progress, NoColorIsRespected) {
  const auto text = on_terminal([] {
    setenv("NO_COLOR", "1", 1);
    Progress progress("images", 20, true);
    progress.update(5, 1000);
    log::warning("coloured otherwise");
  });
  EXPECT_NE(text.find("images ["), std::string::npos);
  EXPECT_EQ(text.find("\033[3"), std::string::npos) << text;
}

TEST(Progress, OffATerminalNothingIsRedrawnAndDisabledNothingSaid) {
  testing::internal::CaptureStderr();
  {
    Progress progress("images", 20, true);
    for (int i = 0; i <= 20; ++i) progress.update(i, 100 * i);
  }
  const auto text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.find("info: images: 20 of 20, 2000 evaluations in 0:00 ("), 0U) << text;
  EXPECT_EQ(text.find('\n'), text.size() - 1);

  testing::internal::CaptureStderr();
  { Progress("records", 3, true).update(3, 0); }  // of what evaluates nothing
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "info: records: 3 of 3 in 0:00\n");

  testing::internal::CaptureStderr();
  { Progress("images", 20, false).update(20, 2000); }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Progress, DurationsReadAsClockTimes) {
  EXPECT_EQ(duration_text(0.4), "0:00");
  EXPECT_EQ(duration_text(75), "1:15");
  EXPECT_EQ(duration_text(3599.7), "1:00:00");
  EXPECT_EQ(duration_text(90'061), "25:01:01");
}

}  // namespace
}  // namespace xai
