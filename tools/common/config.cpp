#include "common/config.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>

#define TOML_HEADER_ONLY 1
#define TOML_ASSERT(condition) \
  static_cast<void>(0)  // in every build: input that breaks it is refused a few lines on
#include <toml++/toml.h>

#include "xai/core/file.hpp"

namespace xai::tools {
namespace {

/// Keys such as a.b.c.d are tables in each other, and toml++ takes stack for each.
constexpr std::uintmax_t most_bytes = 1 << 15;

/// Where a message belongs: the file and its line.
std::string at(const std::string& file, const toml::source_region& where) {
  std::ifstream lines(file);
  std::string line;
  for (auto left = where.begin.line; left > 0 && std::getline(lines, line); --left) continue;
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) line.pop_back();
  return cat("configuration ", file, ", line ", where.begin.line, " (", line, "): ");
}

/// The end of the text in quotes that begins at `begin`, on one line or between """ and """.
std::size_t end_of_quoted(std::string_view toml, std::size_t begin) {
  const char quote = toml[begin];
  const std::string three(3, quote);
  const bool lines = toml.substr(begin, 3) == three;
  std::size_t i = begin + (lines ? 3 : 1);
  for (; i < toml.size(); ++i) {
    if (toml[i] == '\\' && quote == '"')
      ++i;
    else if (lines ? toml.substr(i, 3) == three : toml[i] == quote || toml[i] == '\n')
      break;
  }
  i = std::min(i + (lines ? 3 : 1), toml.size());
  while (lines && i < toml.size() && toml[i] == quote) ++i;  // """one "quoted""""
  return i;
}

/// TOML has letters beyond ASCII in quotes and comments only; elsewhere toml++ 3.3 goes where it says that it
/// never does.
void require_quoted_letters(const std::string& file, std::string_view toml) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  for (std::size_t i = toml.starts_with(byte_order_mark) ? byte_order_mark.size() : 0; i < toml.size();) {
    const bool beyond = static_cast<unsigned char>(toml[i]) > 127;
    require(
        !beyond, "configuration ", file, ", line ",
        1 + std::count(toml.begin(), toml.begin() + static_cast<std::ptrdiff_t>(i), '\n'),
        ": a letter that is not ASCII stands outside of quotes; a line is: option = value, with a text in "
        "\"quotes\"");
    if (toml[i] == '#')
      i = std::min(toml.find('\n', i), toml.size());
    else
      i = toml[i] == '"' || toml[i] == '\'' ? end_of_quoted(toml, i) : i + 1;
  }
}

void require_text(const std::string& file) {
  std::error_code unreadable;  // a name that is too long, a folder that may not be read
  require(!std::filesystem::is_directory(file, unreadable), "configuration ", file,
          " is a folder; give a TOML file");
  require(std::filesystem::is_regular_file(file, unreadable), "no configuration file ", file);
  require(std::filesystem::file_size(file, unreadable) <= most_bytes, "configuration ", file,
          " has more than ", most_bytes, " bytes; is it a TOML file?");
  std::ifstream lines(file);
  require(lines.good(), "configuration ", file, " cannot be read");
  std::string line;
  for (long number = 1; std::getline(lines, line); ++number) {
    const bool utf8 = Json::parse(to_text(Json(line))) == line;
    require(utf8 && line.find('\0') == line.npos, "configuration ", file, ", line ", number,
            ": it is not UTF-8 text; save the file as UTF-8");
  }
  require_quoted_letters(file, read_file(file));
}

/// A scalar or an array of them; null for anything else.
Json to_json(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (!node.is_array()) return nullptr;
  Json list = Json::array();
  for (const toml::node& item : *node.as_array()) list.push_back(to_json(item));
  return list;
}

/// No value: as if the option were left out.
bool is_none(const Json& value) {
  return value == "" || (value.is_array() && std::all_of(value.begin(), value.end(), is_none));
}

void set(Option& option, const Json& value) {
  if (option.kind == Option::Kind::flag && value.is_number_integer() && (value == 0 || value == 1))
    return option.set(value == 1);
  const bool textual = option.kind == Option::Kind::text || option.kind == Option::Kind::path;
  if (option.kind == Option::Kind::list && value.is_string())
    option.set(Json::array({value}));
  else if (value.is_string())
    option.set_text(value.get<std::string>());
  else if (textual && value.is_number())  // batch-size = 32
    option.set_text(to_text(value));
  else
    option.set(value);
}

/// As TOML spells it. Throws UsageError for what no TOML file can hold.
std::string spelt(const Option& option, const Json& value) {
  const bool beyond_toml = value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX;
  std::string text = to_text(value);
  require(value == Json::parse(text, nullptr, false), "'", option.key,
          "' is not UTF-8, so no configuration file can hold it");
  for (auto at = text.find('\x7f'); at != std::string::npos; at = text.find('\x7f', at))
    text.replace(at, 1, "\\u007F");
  return beyond_toml ? cat('"', text, '"') : text;
}

std::string kind_text(const Option& option) {
  switch (option.kind) {
    case Option::Kind::flag:
      return "flag";
    case Option::Kind::integer:
      return "whole number";
    case Option::Kind::number:
      return "number";
    case Option::Kind::path:
      return "path";
    case Option::Kind::list:
      return "list";
    default:
      return "text";
  }
}

}  // namespace

std::string dashed(std::string key) {
  std::replace(key.begin(), key.end(), '_', '-');
  return key;
}

void read_config(const std::string& file, const std::vector<OptionTable*>& tables) {
  require_text(file);
  toml::table document;
  try {
    document = toml::parse_file(file);
  } catch (const toml::parse_error& error) {
    throw UsageError(cat(at(file, error.source()), error.description(),
                         "; a line is: option = value, with a text in \"quotes\""));
  }
  std::set<std::string> by_flag, seen;
  for (const OptionTable* table : tables)
    for (const Option& option : table->options())
      if (option.given()) by_flag.insert(option.key);
  for (const auto& [key, node] : document) {
    Option* option = nullptr;
    for (OptionTable* table : tables)
      if (!option) option = table->find(key.str());
    const auto refuse = [&, &node = node](const std::string& why) {
      throw UsageError(at(file, node.source()) + why);
    };
    if (node.is_table() && (!option || !node.as_table()->is_inline()))
      refuse(cat("options stand in no section; leave out ", key.str(), " and write option = value alone"));
    if (!option || !option->in_config) refuse(cat("there is no option ", key.str()));
    if (!seen.insert(option->key).second) refuse(dashed(option->key) + " stands twice");
    const Json value = to_json(node);
    if (value.is_null()) refuse(dashed(option->key) + " must be a text, a number, true, false or a list");
    if (is_none(value) || by_flag.contains(option->key)) continue;  // flags win
    try {
      set(*option, value);
    } catch (const UsageError& error) {
      refuse(error.what());
    }
  }
}

std::string config_text(const std::vector<OptionTable*>& tables) {
  std::string text, group;
  for (const OptionTable* table : tables)
    for (const Option& option : table->options()) {
      if (!option.in_config) continue;
      if (option.group != group) text += cat(text.empty() ? "" : "\n", "# ", group = option.group, "\n");
      const Json value = option.value();
      const std::string range = option.choices.empty() ? option.range_text() : "";
      text += cat("\n# ", option.help, range.empty() ? "" : cat(" (", range, ")"), "\n");
      text += cat(dashed(option.key), "=", spelt(option, value), "\n");
    }
  return text;
}

std::string markdown_text(const OptionTable& table) {
  std::string text, group;
  for (const Option& option : table.options()) {
    if (option.group != group)
      text += cat("\n### ", group = option.group,
                  "\n\n| option | default | may be | changes | meaning |\n|---|---|---|---|---|\n");
    const Json& value = option.default_value();
    const bool none = value.empty() || value == "";
    const std::string range = option.range_text();
    const char* changes = option.effect == Effect::none      ? "nothing"
                          : option.effect == Effect::records ? "records"
                                                             : "records and their meaning";
    text +=
        cat("| `", flag_of(option.key), "` | ",
            none ? "" : cat("`", value.is_string() ? value.get<std::string>() : to_text(value), "`"), " | ",
            range.empty()            ? kind_text(option)
            : option.choices.empty() ? cat(kind_text(option), ", ", range)
                                     : range,
            " | ", changes, " | ", option.help, " |\n");
  }
  return text;
}

}  // namespace xai::tools
