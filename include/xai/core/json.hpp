#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace xai {

/// JSON whose fields keep the order in which they were put in.
using Json = nlohmann::ordered_json;

/// No file may contain NaN or Infinity (SPEC 8): null stands for them.
Json number_or_null(double value);

template <class T>
Json value_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

/// Where two JSON values first differ, e.g. "options.grid is 7 there and 5 here" for the name "options";
/// nothing where they are equal. The order of fields does not matter.
std::optional<std::string> first_difference(const Json& there, const Json& here, const std::string& name);

/// As text; doubles read back equal. indent -1: one line. Bytes that are not UTF-8 become U+FFFD.
std::string to_text(const Json& json, int indent = -1);

}  // namespace xai
