#include "xai/data/class_list.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "text_file.hpp"
#include "xai/core/error.hpp"
#include "xai/core/file.hpp"
#include "xai/core/json_text.hpp"

namespace xai {
namespace {

using internal::Line;
using internal::TextFile;

constexpr auto role = "class list";

struct Class {
  std::string id;
  std::string name;
};

/// The classes in the order of their indices, which must be 0..K-1.
std::vector<Class> in_order(const std::map<long, Class>& by_index, const std::filesystem::path& file) {
  std::vector<Class> classes;
  for (const auto& [index, entry] : by_index) {
    require<DataError>(index == static_cast<long>(classes.size()), role, " '", file.string(),
                       "': class index ", classes.size(),
                       " is missing; indices must be 0, 1, 2, ... without gaps");
    classes.push_back(entry);
  }
  return classes;
}

std::vector<Class> read_json(const std::filesystem::path& file, const std::string& content) {
  const auto malformed = [&file](const auto& reason) {
    return DataError(cat(role, " '", file.string(), "': ", reason,
                         R"(; expected JSON like {"0": ["n01440764", "tench"], ...})"));
  };
  if (nests_too_deep(content)) throw malformed("too many lists and objects in each other");
  std::map<long, Class> by_index;
  try {
    const auto json = nlohmann::json::parse(content);
    for (const auto& [key, value] : json.items()) {
      const auto index = internal::to_integer(key);
      if (!index) throw malformed(cat("key '", key, "' is not a class index"));
      if (!value.is_array() || value.size() != 2)
        throw malformed(cat("class ", key, " is not an [id, name] pair"));
      by_index[*index] = {value[0].get<std::string>(), value[1].get<std::string>()};
    }
  } catch (const nlohmann::json::exception& error) {
    throw malformed(error.what());
  }
  return in_order(by_index, file);
}

std::vector<Class> read_csv(const TextFile& file) {
  std::map<long, Class> by_index;
  for (const Line& line : file.lines) {
    const auto fields = internal::split_csv(line.text);
    const auto index = internal::to_integer(fields[0]);
    if (!index && &line == &file.lines.front()) continue;  // the header
    if (!index || fields.size() < 2 || fields.size() > 3 || fields[1].empty())
      throw file.malformed(line, "expected index,wnid,name");
    const bool is_new = by_index.insert({*index, {fields[1], fields.size() == 3 ? fields[2] : ""}}).second;
    if (!is_new) throw file.malformed(line, "class index ", *index, " is given twice");
  }
  return in_order(by_index, file.path);
}

/// A synset mapping (wnid, blank, names) or a plain list.
std::vector<Class> read_lines(const TextFile& file) {
  std::vector<Class> classes;
  for (const Line& line : file.lines) {
    const std::string text = internal::trimmed(line.text);
    const auto blank = text.find_first_of(" \t");
    if (blank != std::string::npos && internal::is_wnid(text.substr(0, blank)))
      classes.push_back({text.substr(0, blank), internal::trimmed(text.substr(blank))});
    else
      classes.push_back({text, ""});
  }
  return classes;
}

bool is_csv(const TextFile& file) {
  const auto fields = internal::split_csv(file.lines.front().text);
  return fields.size() > 1 && (internal::to_integer(fields[0]) || internal::lower_case(fields[0]) == "index");
}

std::vector<Class> read_classes(const std::filesystem::path& path) {
  const TextFile file(role, path);
  if (file.lines.front().text.starts_with('{')) return read_json(path, read_file(path));
  return is_csv(file) ? read_csv(file) : read_lines(file);
}

}  // namespace

ClassList read_class_list(const std::filesystem::path& file) {
  ClassList list;
  std::map<std::string, std::size_t> index_of;
  for (auto& [id, name] : read_classes(file)) {
    const auto [known, is_new] = index_of.insert({id, list.ids.size()});
    require<DataError>(is_new, role, " '", file.string(), "': classes ", known->second, " and ",
                       list.ids.size(), " have the same id '", id, "'");
    list.names.push_back(name.empty() ? id : std::move(name));
    list.ids.push_back(std::move(id));
  }
  require<DataError>(!list.ids.empty(), role, " '", file.string(), "' lists no class");
  return list;
}

}  // namespace xai
