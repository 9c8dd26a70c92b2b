#include "xai/core/json.hpp"

#include <cmath>

#include "xai/core/json_text.hpp"
#include "xai/core/text.hpp"

namespace xai {

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

std::optional<std::string> first_difference(const Json& there, const Json& here, const std::string& name) {
  if (!there.is_object() || !here.is_object()) {
    if (there == here) return std::nullopt;
    return cat(name, " is ", to_text(there), " there and ", to_text(here), " here");
  }
  const auto inner = [&](const std::string& key) { return name.empty() ? key : cat(name, ".", key); };
  for (const auto& [key, value] : here.items())
    if (auto found = first_difference(there.value(key, Json()), value, inner(key))) return found;
  for (const auto& [key, value] : there.items())
    if (!here.contains(key)) return cat(inner(key), " is ", to_text(value), " there and not set here");
  return std::nullopt;
}

bool nests_too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"')
      quoted = !quoted;
    else if (quoted)
      i += c == '\\';
    else if (c == '[' || c == '{')
      ++depth;
    else if (c == ']' || c == '}')
      --depth;
    if (depth > deepest_json) return true;
  }
  return false;
}

Json parse_json(std::string_view text) {
  if (nests_too_deep(text)) return Json(Json::value_t::discarded);
  return Json::parse(text, nullptr, false);
}

std::string to_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace xai
