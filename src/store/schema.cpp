#include "xai/store/schema.hpp"

#include <string_view>

#include "xai/core/error.hpp"

namespace xai {
namespace {

std::string_view major_of(std::string_view version) {
  return version.substr(0, version.find('.'));
}

/// A word as a shell takes it.
std::string shell_word(const std::string& word) {
  constexpr std::string_view harmless =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:=,+@%";
  if (!word.empty() && word.find_first_not_of(harmless) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

void require_schema(const Json& document, const std::filesystem::path& file, const std::string& remake) {
  const Json version = document.is_object() ? document.value("schema_version", Json()) : Json();
  const bool same = version.is_string() && major_of(version.get<std::string>()) == major_of(schema_version);
  require(same, file.string(), " has schema version ", version.is_null() ? "1 or older" : to_text(version),
          ", and this is ", schema_version, "; make it anew: ", remake);
}

std::string remaking_command(const Json& run) {
  const Json words = run.is_object() ? run.value("command", Json()) : Json();
  std::string text;
  bool overwrites = false;
  for (const Json& word : words.is_array() ? words : Json::array()) {
    if (!word.is_string()) continue;
    text += shell_word(word.get<std::string>()) + " ";
    overwrites = overwrites || word == "--overwrite";
  }
  if (text.empty()) return "run its command again with 'overwrite' or another 'out'";
  if (!overwrites) text += "--overwrite ";
  return text + "(or with another 'out')";
}

}  // namespace xai
