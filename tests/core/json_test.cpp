#include "xai/core/json.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "xai/core/json_text.hpp"

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

TEST(Json, WhatNestsTooDeepIsNotRead) {
  const auto nested = [](int depth) { return std::string(depth, '[') + "1" + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(deepest_json)).is_array());
  EXPECT_TRUE(parse_json(nested(deepest_json + 1)).is_discarded());
  EXPECT_TRUE(parse_json(std::string(1 << 20, '[')).is_discarded());
  EXPECT_TRUE(parse_json("{").is_discarded());
  const std::string quoted = R"({"a": "\\\"[[[", "b": [")" + std::string(1000, '{') + R"("]})";
  EXPECT_EQ(parse_json(quoted)["a"], "\\\"[[[") << "brackets in a text are no lists";
  EXPECT_TRUE(parse_json("[" + std::string(1000, ' ') + "[1],[2]" + std::string(1000, ' ') + "]").is_array());
}

TEST(Json, FieldsAreReadWithoutTheRest) {
  const std::vector<std::string> fields{"image", "status", "p", "none"};
  const auto read = [&](const std::string& text) { return parse_fields(text, fields); };
  EXPECT_EQ(
      read(R"({"image":"a\"b","mses":[{"image":"inner","p":1}],"status":null,"p":0.5,"x":{"status":"ok"}})"),
      (Json{{"image", "a\"b"}, {"status", nullptr}, {"p", 0.5}}));
  EXPECT_EQ(read(R"({"image":["a"],"p":{}})"), Json::object()) << "a list is none of its values";
  for (const char* text :
       {"", "{", "[]", "3", R"("image")", "null", R"({"image":"a"} x)", R"({"image":"a)", "{\"p\":1e999}"})
    EXPECT_TRUE(read(text).is_discarded()) << text;
  const auto nested = [](int depth) {
    return R"({"image":"a","x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  for (const int depth : {deepest_json - 1, deepest_json})
    EXPECT_EQ(read(nested(depth)).is_discarded(), parse_json(nested(depth)).is_discarded()) << depth;
}

}  // namespace
}  // namespace xai
