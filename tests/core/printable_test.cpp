#include "xai/core/printable.hpp"

#include <gtest/gtest.h>

#include "xai/core/log.hpp"

namespace xai {
namespace {

TEST(Printable, LeavesTextAsItIs) {
  EXPECT_EQ(printable("a café, 日本語, 🦜 and {} %s \\"), "a café, 日本語, 🦜 and {} %s \\");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, ControlCharactersStandAsText) {
  EXPECT_EQ(printable("a\x1b[31mred\x1b[0m"), "a\\x1b[31mred\\x1b[0m");
  EXPECT_EQ(printable("one\nerror: two\r\t\x7f"), "one\\nerror: two\\x0d\\x09\\x7f");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\xC2\x9B"
                      "2J\xC2\xA0"),
            "\\u009b2J\xC2\xA0");  // C1's CSI; a no-break space stays
  EXPECT_EQ(printable("one\n\ttwo\x07", "\n\t"), "one\n\ttwo\\x07");
}

TEST(Printable, BytesThatAreNoUtf8StandAsText) {
  EXPECT_EQ(printable("caf\xE9!"), "caf\\xe9!");
  EXPECT_EQ(printable("\x9B"
                      "2J"),
            "\\x9b2J");
  EXPECT_EQ(printable("\xC2"), "\\xc2");
  EXPECT_EQ(printable("\xF0\x9F\xA6"), "\\xf0\\x9f\\xa6");
  EXPECT_EQ(printable("\xC0\x9B"), "\\xc0\\x9b");  // an overlong form
}

TEST(Log, WritesOneLineThatATerminalDoesNotObey) {
  testing::internal::CaptureStderr();
  log::warning("photo\x1b]0;title\x07.png: {} %s\nerror: forged");
  log::set_level(log::Level::debug);
  log::debug("Traceback:\n\tline\x1b[2J");
  log::set_level(log::Level::info);
  EXPECT_EQ(
      testing::internal::GetCapturedStderr(),
      "warning: photo\\x1b]0;title\\x07.png: {} %s\\nerror: forged\ndebug: Traceback:\n\tline\\x1b[2J\n");
}

}  // namespace
}  // namespace xai
