#include "xai/store/file_name.hpp"

#include <climits>
#include <cstddef>

#include "xai/core/hash.hpp"

namespace xai {
namespace {

constexpr std::size_t longest_name = NAME_MAX;  // of one part of a path, in bytes
constexpr std::size_t longest_path = 1024;      // PATH_MAX has to hold the run folder's, too
constexpr std::string_view temporary_suffix = ".tmp";
constexpr std::size_t hash_digits = 16;

/// Has a part that leads nowhere, or out of its folder. What stands behind the last '/' is a name by its
/// suffix.
bool leads_elsewhere(std::string_view name, std::string_view suffix) {
  const auto is_no_name = [](std::string_view part) { return part.empty() || part == "." || part == ".."; };
  for (auto slash = name.find('/'); slash != name.npos; slash = name.find('/')) {
    if (is_no_name(name.substr(0, slash))) return true;
    name.remove_prefix(slash + 1);
  }
  return is_no_name(name) && (suffix.empty() || suffix.starts_with('/'));
}

/// At most `most` bytes of a name.
std::string shortened(std::string_view name, std::size_t most) {
  if (name.size() <= most) return std::string(name);
  std::size_t kept = most - hash_digits - 1;
  const auto within_character = [&](std::size_t at) {
    return (static_cast<unsigned char>(name[at]) & 0xC0) == 0x80;
  };
  while (kept > 0 && within_character(kept)) --kept;
  return std::string(name.substr(0, kept)) + '~' + sha256(name).substr(0, hash_digits);
}

}  // namespace

std::string file_name_of(std::string_view name, std::string_view suffix) {
  const std::size_t most = longest_name - suffix.size() - temporary_suffix.size();
  std::string path;
  if (name.size() > longest_path ||
      leads_elsewhere(name, suffix)) {  // the hash is of the whole: the last part alone tells who it is
    const std::string whole = std::string(name.substr(name.rfind('/') + 1)) + '~' + sha256(name);
    return shortened(whole, most) + std::string(suffix);
  }
  for (auto slash = name.find('/'); slash != name.npos; slash = name.find('/')) {
    path += shortened(name.substr(0, slash), longest_name) + '/';
    name.remove_prefix(slash + 1);
  }
  return path + shortened(name, most) + std::string(suffix);
}

}  // namespace xai
