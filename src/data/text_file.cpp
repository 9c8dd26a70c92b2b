#include "text_file.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "xai/core/file.hpp"

namespace xai::internal {
namespace {

// a tab may stand before or behind an empty field
constexpr std::string_view blanks_but_tabs = " \r\n\v\f";

}  // namespace

std::string trimmed(std::string_view text, std::string_view blanks) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(blanks) - first + 1));
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

TextFile::TextFile(std::string_view role, const std::filesystem::path& file) : what(role), path(file) {
  const std::string content = read_file(path);
  const bool wide = content.starts_with("\xFF\xFE") || content.starts_with("\xFE\xFF");
  require<DataError>(!wide, what, " '", path.string(), "' is UTF-16: save it as UTF-8");
  require<DataError>(content.find('\0') == std::string::npos, what, " '", path.string(),
                     "' is not a text file");
  std::istringstream in(content);
  if (content.starts_with("\xEF\xBB\xBF")) in.ignore(3);
  std::string text;
  for (long number = 1; std::getline(in, text); ++number)
    if (!trimmed(text).empty()) lines.push_back({number, trimmed(text, blanks_but_tabs)});
  require<DataError>(!lines.empty(), what, " '", path.string(), "' is empty");
}

std::vector<std::string> split_csv(std::string_view line, char delimiter) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool doubled = quoted && line.substr(i, 2) == "\"\"";
    if (doubled) ++i;
    if (line[i] == '"' && !doubled)
      quoted = !quoted;
    else if (line[i] == delimiter && !quoted)
      fields.emplace_back();
    else
      fields.back() += line[i];
  }
  for (auto& field : fields) field = trimmed(field);
  return fields;
}

std::vector<std::string> split_words(std::string_view line) {
  std::istringstream in{std::string(line)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::optional<long> to_integer(std::string_view text) {
  long value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

bool is_wnid(std::string_view text) {
  return text.size() == 9 && text[0] == 'n' && std::all_of(text.begin() + 1, text.end(), is_digit);
}

}  // namespace xai::internal
