#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "xai/core/file.hpp"
#include "xai/core/json.hpp"

namespace xai {

/// The folder that a run writes (SPEC 8): run.json, the journal results.jsonl, and files beside them.
///
/// A record is one JSON object, known by its key: the values of some of its fields, "image" first. It is safe
/// once append() returns: a kill can at worst tear the record being written, which the next opening cuts off.
/// Opened again with an equal identity the run goes on; records with status "error" are dropped then, so that
/// their images are tried again. Memory: one entry per record, never the records. Holds a lock on the folder
/// while it lives. For one thread at a time; but write_run() and write_file() may run beside the others, each
/// file from one thread.
class RunFolder {
 public:
  using Key = std::vector<std::string>;

  /// Opens or creates `path`. `identity` is a JSON object of everything that must be equal for a run to go
  /// on. `overwrite`: removes what an earlier run wrote there and starts anew. Throws UsageError where the
  /// folder holds records of another run, files but no run, or is in use by another process; IoError where it
  /// cannot be written.
  /// `key`: names of the fields that make a record's key, all of them strings.
  RunFolder(std::filesystem::path path, Json identity, bool overwrite = false, Key key = {"image"});
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;
  ~RunFolder();

  const std::filesystem::path& path() const { return path_; }
  /// run.json as an earlier session left it; null in a new run.
  const Json& previous_run() const { return previous_run_; }

  /// There is a record with these values of the key's fields.
  bool done(const Key& key) const;
  /// The number of records.
  long done_count() const { return static_cast<long>(offsets_.size()); }

  /// Adds a record that is not done(). Throws IoError where the disk is full; the journal then
  /// ends with the record before.
  void append(const Json& record);

  /// Rewrites results.jsonl with the records of `keys` in that order; keys without a record are left out.
  void finish(const std::vector<Key>& keys);

  /// Calls `use` with each record, in the journal's order.
  void for_each_record(const std::function<void(const Json&)>& use) const;

  /// Replaces run.json by `run` and the identity.
  void write_run(Json run) const;

  /// Writes a file of the run, e.g. "summary.json" or "images/n01440764/x.png"; folders are made.
  void write_file(const std::filesystem::path& name, std::string_view content) const;

 private:
  void create();
  void lock();
  void claim(bool overwrite);
  void remove_earlier_run() const;
  void open_journal();
  void rewrite_journal(const std::vector<std::string>& keys);
  std::filesystem::path journal_path() const { return path_ / "results.jsonl"; }

  std::filesystem::path path_;
  Json identity_;
  Key key_;
  Json previous_run_;
  FileDescriptor lock_;
  FileDescriptor journal_;
  std::int64_t journal_size_ = 0;
  std::unordered_map<std::string, std::int64_t> offsets_;  ///< of each record, by its key's JSON text
  std::chrono::steady_clock::time_point next_sync_;
};

}  // namespace xai
