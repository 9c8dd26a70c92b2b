#include "xai/core/json.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace xai {
namespace {

TEST(Json, DoublesReadBackEqual) {
  for (const double x : {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 0.9f * 1.0}) {
    EXPECT_EQ(Json::parse(to_text(number_or_null(x))).get<double>(), x);
  }
}

TEST(Json, WhatIsNoNumberIsNull) {
  EXPECT_TRUE(number_or_null(std::nan("")).is_null());
  EXPECT_TRUE(number_or_null(std::numeric_limits<double>::infinity()).is_null());
  EXPECT_TRUE(value_or_null(std::optional<int>()).is_null());
  EXPECT_EQ(value_or_null(std::optional(3)), 3);
}

TEST(Json, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(to_text("caf\xe9"), "\"caf\xEF\xBF\xBD\"");
  EXPECT_EQ(to_text("caf\xC3\xA9"), "\"caf\xC3\xA9\"");
}

}  // namespace
}  // namespace xai
