#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>

#include "xai/core/json.hpp"

namespace xai {

/// The folder of a run that is done, to be read. Memory: one entry per image, never the records.
class FinishedRun {
 public:
  /// Throws UsageError where `folder` holds no run of `tool`, or one that is not done.
  FinishedRun(std::filesystem::path folder, std::string_view tool);

  const std::filesystem::path& folder() const { return folder_; }
  const Json& run() const { return run_; }
  const Json& summary() const { return summary_; }
  /// SHA-256 of results.jsonl.
  std::string records_sha256() const;
  /// The record of an image; null where there is none.
  Json record(const std::string& image) const;

 private:
  std::filesystem::path records_path() const { return folder_ / "results.jsonl"; }

  std::filesystem::path folder_;
  Json run_;
  Json summary_;
  std::unordered_map<std::string, std::int64_t> offsets_;  ///< of each record, by its key's JSON text
};

}  // namespace xai
