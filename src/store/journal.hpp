#pragma once

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "xai/core/file.hpp"
#include "xai/core/json.hpp"

namespace xai::internal {

/// A record's key as it stands in the journal: the JSON text makes names equal that differ only in bytes
/// which no JSON file can hold.
inline std::string key_text(const std::vector<std::string>& key) {
  return to_text(Json(key));
}

/// The key of a record whose fields `names` make it.
inline std::string key_of(const Json& record, const std::vector<std::string>& names) {
  Json key = Json::array();
  for (const std::string& name : names) key.push_back(record.value(name, Json()));
  return to_text(key);
}

/// The records of a journal one by one: use(offset, record). Gives the offset behind the last whole record.
template <class Use>
std::int64_t scan(const std::filesystem::path& path, const Use& use) {
  std::ifstream file(path, std::ios::binary);
  std::int64_t offset = 0;
  for (std::string line; std::getline(file, line) && !file.eof();) {
    const Json record = Json::parse(line, nullptr, false);
    if (!record.is_object() || !record.contains("image")) break;
    use(offset, record);
    offset += static_cast<std::int64_t>(line.size()) + 1;
  }
  if (file.bad()) throw io_error("read", path, errno);
  return offset;
}

}  // namespace xai::internal
