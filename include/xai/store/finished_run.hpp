#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "xai/core/file.hpp"
#include "xai/core/json.hpp"
#include "xai/store/run_kind.hpp"

namespace xai {

/// The folder of a run that is done, to be read: nobody writes there meanwhile, where the file system knows
/// locks. Memory: 16 bytes an image, never the records.
class FinishedRun {
 public:
  /// `shard`: of the run's identity; null for a run of the whole data set. Throws UsageError where `folder`
  /// holds no run of this kind, one that is not done, is written to or damaged, one of another shard, or of
  /// another schema version.
  FinishedRun(std::filesystem::path folder, const RunKind& kind, const Json& shard = nullptr);

  const std::filesystem::path& folder() const { return folder_; }
  const Json& run() const { return run_; }
  const Json& summary() const { return summary_; }
  /// SHA-256 of results.jsonl.
  std::string records_sha256() const;
  /// The record of an image, the first where a key has more fields; null where there is none.
  Json record(const std::string& image) const;

 private:
  /// Where an image's record begins. Images are told apart by the record itself.
  struct Entry {
    std::uint64_t hash;  ///< of the image's name
    std::int64_t offset;

    friend auto operator<=>(const Entry&, const Entry&) = default;
  };

  std::filesystem::path records_path() const { return folder_ / "results.jsonl"; }

  std::filesystem::path folder_;
  FileDescriptor lock_;
  Json run_;
  Json summary_;
  std::vector<Entry> entries_;  ///< ascending
};

}  // namespace xai
