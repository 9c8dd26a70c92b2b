#include "xai/core/option_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace xai {
namespace {

std::string with_underscores(std::string_view key) {
  std::string text(key);
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

/// "16" and not "16.000000"; all digits, so that what is refused does not look like the bound.
std::string number_text(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  const std::string shortest(text, end);
  if (shortest.find('e') == std::string::npos || std::abs(value) < 1 || std::abs(value) >= 0x1p53)
    return shortest;
  return std::to_string(static_cast<std::int64_t>(value));
}

/// The finite JSON number that all of `text` spells; null where it spells none.
template <class T>
Json number_in(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  return whole && std::isfinite(static_cast<double>(value)) ? Json(value) : Json();
}

}  // namespace

std::string flag_of(std::string_view key) {
  std::string text(key);
  std::replace(text.begin(), text.end(), '_', '-');
  return "--" + text;
}

std::string Option::range_text() const {
  if (!choices.empty()) {
    std::string text = "one of ";
    for (const std::string& choice : choices) text += (&choice == &choices.front() ? "" : ", ") + choice;
    return text;
  }
  if (!low_) return "";
  const std::string low = number_text(low_->at);
  if (!high_) return cat(low_->open ? "above " : "at least ", low, word_.empty() ? "" : ", or ", word_);
  const std::string high = number_text(high_->at);
  if (!low_->open && !high_->open) return cat("from ", low, " to ", high);
  return cat(low_->open ? "above " : "at least ", low, " and ", high_->open ? "below " : "at most ", high);
}

void Option::refuse(const Json& value) const {
  const bool infinite = value.is_number_float() && !std::isfinite(value.get<double>());
  const std::string shown = value.is_string() ? value.get<std::string>()
                            : infinite        ? number_text(value)
                                              : to_text(value);
  std::string range = range_text();
  if (kind == Kind::integer && !(low_ && high_) && word_.empty())  // the bounds that no one had to name
    range = cat("from ", low_ ? number_text(low_->at) : lowest_, " to ",
                high_ ? number_text(high_->at) : highest_);
  const char* type = kind == Kind::flag      ? "true or false"
                     : kind == Kind::integer ? "a whole number"
                     : kind == Kind::number  ? "a number"
                     : kind == Kind::list    ? "a list of texts"
                                             : "a text";
  throw UsageError(cat("'", key, "' must be ", kind == Kind::choice ? "" : type,
                       kind == Kind::choice || range.empty() ? "" : " ", range, ", not ", shown));
}

void Option::set(const Json& value) {
  if (!put_(value)) refuse(value);
  given_ = true;
}

void Option::set_text(const std::string& text) {
  Json value = text;
  if (!word_.empty() && text == word_) return set(of_word_);
  if (kind == Kind::flag)
    value = text == "true" ? Json(true) : text == "false" ? Json(false) : Json(text);
  else if (kind == Kind::integer) {
    value = number_in<std::int64_t>(text);
    if (value.is_null()) value = number_in<std::uint64_t>(text);
  } else if (kind == Kind::number) {
    value = number_in<double>(text);
  } else if (kind == Kind::list) {
    value = given_ ? this->value() : Json::array();
    value.push_back(text);
  }
  if (value.is_null()) refuse(text);
  set(value);
}

void Option::validate() const {
  if (kind != Kind::integer && kind != Kind::number) return;
  const Json now = value();
  const auto number = now.get<double>();
  const bool low = !low_ || (low_->open ? number > low_->at : number >= low_->at);
  const bool high = !high_ || (high_->open ? number < high_->at : number <= high_->at);
  const std::string range = range_text();
  if (!low || !high || !std::isfinite(number))
    throw UsageError(
        cat("'", key, "' must be ", range.empty() ? "a number" : range, ", not ", number_text(number)));
}

void OptionTable::group(std::string title, std::function<bool()> applies) {
  group_ = std::move(title);
  applies_ = std::move(applies);
  if (when_)
    applies_ = [inner = std::move(applies_), outer = when_] { return outer() && (!inner || inner()); };
}

Option* OptionTable::find(std::string_view key) {
  const auto found =
      std::find_if(options_.begin(), options_.end(),
                   [wanted = with_underscores(key)](const Option& o) { return o.key == wanted; });
  return found == options_.end() ? nullptr : &*found;
}

Option& OptionTable::at(std::string_view key) {
  Option* const option = find(key);
  require<Error>(option != nullptr, "no option '", key, "' in this table");
  return *option;
}

void OptionTable::validate() const {
  for (const Option& option : options_)
    if (option.applies()) option.validate();
}

Json OptionTable::values(Effect at_least) const {
  Json values = Json::object();
  for (const Option& option : options_)
    if (option.applies() && option.effect >= at_least) values[option.key] = option.value();
  return values;
}

void OptionTable::fill(const Json& values) {
  for (Option& option : options_)
    if (!option.given_ && values.contains(option.key) && !option.put_(values[option.key]))
      option.refuse(values[option.key]);
}

std::string with_flags(const std::string& message, const OptionTable& table) {
  std::string result = message;
  for (const Option& option : table.options()) {
    const std::string quoted = cat("'", option.key, "'");
    for (auto at = result.find(quoted); at != std::string::npos; at = result.find(quoted, at))
      result.replace(at, quoted.size(), flag_of(option.key));
  }
  return result;
}

}  // namespace xai
