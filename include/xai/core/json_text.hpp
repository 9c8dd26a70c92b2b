#pragma once

#include <span>
#include <string>
#include <string_view>

#include "xai/core/json.hpp"

namespace xai {

/// Arrays and objects in each other that are read at most: whoever walks through them takes stack for each.
inline constexpr int deepest_json = 256;

/// Whether a text that is JSON has more in each other.
bool nests_too_deep(std::string_view text);

/// Of a text that is an object those of its `fields` that hold a string, a number, a truth value or null,
/// without building the rest: several times as fast as parse_json(). For a text that is no object, or nests
/// too deep, Json::is_discarded().
Json parse_fields(std::string_view text, std::span<const std::string> fields);

/// What a file of JSON says. For a text that is none, or nests too deep, Json::is_discarded().
Json parse_json(std::string_view text);

}  // namespace xai
