#include "xai/core/json.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

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

namespace {

/// Keeps values of some fields of the outermost object, and nothing else.
class FieldReader : public nlohmann::json_sax<Json> {
 public:
  explicit FieldReader(std::span<const std::string> fields) : fields_(fields) {}

  Json take() { return std::move(found_); }

  bool null() override { return keep(nullptr); }
  bool boolean(bool value) override { return keep(value); }
  bool number_integer(number_integer_t value) override { return keep(value); }
  bool number_unsigned(number_unsigned_t value) override { return keep(value); }
  bool number_float(number_float_t value, const string_t&) override { return keep(value); }
  bool string(string_t& value) override { return keep(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool key(string_t& name) override {
    wanted_ = depth_ == 1 && std::find(fields_.begin(), fields_.end(), name) != fields_.end();
    if (wanted_) name_ = name;
    return true;
  }
  bool start_object(std::size_t) override {
    if (depth_ == 0) found_ = Json::object();
    return enter();
  }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  template <class T>
  bool keep(T&& value) {
    if (depth_ == 1 && wanted_) found_[name_] = std::forward<T>(value);
    return depth_ > 0;  // a text that is a number is no object
  }
  bool enter() { return ++depth_ <= deepest_json && found_.is_object(); }
  bool leave() { return --depth_, true; }

  std::span<const std::string> fields_;
  std::string name_;
  bool wanted_ = false;
  int depth_ = 0;
  Json found_;
};

}  // namespace

Json parse_fields(std::string_view text, std::span<const std::string> fields) {
  FieldReader reader(fields);
  return Json::sax_parse(text, &reader) ? reader.take() : Json(Json::value_t::discarded);
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
