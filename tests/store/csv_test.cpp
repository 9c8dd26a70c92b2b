#include "xai/store/csv.hpp"

#include <gtest/gtest.h>

namespace xai {
namespace {

// RFC 4180, section 2, rules 1 and 5 to 7
TEST(Csv, QuotesWhatNeedsItAndEndsLinesWithCrLf) {
  EXPECT_EQ(csv_line({"a", "b c", ""}), "a,b c,\r\n");
  EXPECT_EQ(csv_line({"x,y", "say \"hi\"", "two\nlines"}), "\"x,y\",\"say \"\"hi\"\"\",\"two\nlines\"\r\n");
}

}  // namespace
}  // namespace xai
