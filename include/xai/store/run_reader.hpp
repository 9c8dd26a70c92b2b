#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "xai/core/file.hpp"
#include "xai/core/json.hpp"
#include "xai/store/run_kind.hpp"

namespace xai {

/// The run.json of a folder. Throws UsageError where it holds no run, or one of another schema version.
Json read_run_json(const std::filesystem::path& folder);

/// A run that is read, done or not, record by record in any order. Nobody writes there meanwhile, where the
/// file system knows locks. Memory: 16 bytes a record and the images' names.
class RunReader {
 public:
  /// `names`: the values that fields of a record's key behind the image can have, in the order of a finished
  /// run. Throws UsageError where the folder holds no run of this kind or somebody writes there, DataError
  /// for records with other names.
  RunReader(std::filesystem::path folder, const RunKind& kind, const std::vector<std::string>& names);

  const std::filesystem::path& folder() const { return folder_; }
  /// Those with records.
  const std::vector<std::string>& images() const { return images_; }
  /// Calls use(record, line) for each record of images()[image], in the order of `names`; `line` is its text
  /// without the end. Fast for images one after the other.
  void for_each_record(std::size_t image, const std::function<void(const Json&, const std::string&)>& use);

 private:
  struct Entry {
    std::uint32_t image, place;  ///< index into images_, and of the rest of the key
    std::int64_t offset;

    friend auto operator<=>(const Entry&, const Entry&) = default;
  };

  std::filesystem::path folder_;
  FileDescriptor lock_;
  std::vector<std::string> images_;
  std::vector<Entry> entries_;  ///< ascending
  std::ifstream file_;
  std::int64_t position_ = 0;  ///< of file_
};

}  // namespace xai
