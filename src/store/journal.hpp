#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "xai/core/file.hpp"
#include "xai/core/json.hpp"
#include "xai/store/run_folder.hpp"

namespace xai::internal {

/// What scan() found in a journal beside its records.
struct Scanned {
  std::int64_t end = 0;  ///< the offset behind the last record
  std::int64_t damaged =
      0;  ///< bytes before that are in no record: a disk lost a block, or two processes wrote
};

/// Calls use(offset, line, record) for the records of a journal one by one; `line` is without its end, and
/// the record has only these `fields`, where any are named (parse_fields()). A journal that is not there has
/// none; one that cannot be read is an IoError.
Scanned scan(const std::filesystem::path& path,
             const std::function<void(std::int64_t, const std::string&, const Json&)>& use,
             const std::vector<std::string>& fields = {});

/// The record that begins at `offset`.
Json record_at(const std::filesystem::path& path, std::int64_t offset);

/// A value of a key as it stands in the journal: JSON makes names equal that differ only in bytes which no
/// JSON file can hold.
inline std::string key_text(const Json& value) {
  return to_text(value);
}

/// Where each record of a journal begins. A key is an image and the rest, both in the journal's text. Memory:
/// one entry an image, and of each image one number for each rest.
class RecordIndex {
 public:
  static constexpr std::int64_t none = -1;

  std::int64_t find(const std::string& image, const std::string& rest) const;
  void set(const std::string& image, const std::string& rest, std::int64_t offset);
  long size() const { return size_; }

 private:
  std::unordered_map<std::string, std::size_t> images_, rests_;
  std::vector<std::vector<std::int64_t>> offsets_;  ///< of each image, by rest
  long size_ = 0;
};

/// A results.jsonl that is being written: see RunFolder.
class Journal {
 public:
  using Key = std::vector<std::string>;

  /// Opens or creates it, cuts off a record that was not written to its end, and drops what is damaged, what
  /// stands twice, and records with status "error". `key`: names of the fields that make a record's key. To
  /// be looked at: passes them over, and changes nothing.
  Journal(std::filesystem::path path, Key key, RunAccess access = RunAccess::write);
  /// One without records that is not to be written.
  explicit Journal(Key key) : key_(std::move(key)) {}
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();

  long size() const { return index_.size(); }
  /// Where the record begins; RecordIndex::none where there is none.
  std::int64_t find(const Key& key) const;
  Json record(std::int64_t offset) const { return record_at(path_, offset); }
  /// `line`: the record's text, without an end.
  void append(const Json& record, std::string_view line);
  /// What was appended is on the disk, or throws IoError.
  void sync();
  void finish(const std::vector<std::string>& images, const std::vector<Key>& rests);
  void for_each_record(const std::function<void(const Json&)>& use) const;

 private:
  class Rewriting;
  using KeyText = std::pair<std::string, std::string>;  ///< of the image, of the rest

  KeyText key_of(const Json& record) const;
  void cut_torn_tail();
  void cut();
  void drop_unusable();
  void take(Rewriting& rewritten, RecordIndex index);

  std::filesystem::path path_;
  Key key_;
  FileDescriptor file_;
  std::int64_t bytes_ = 0;
  bool torn_ = false;  ///< there may be more in the file than bytes_
  RecordIndex index_;
  std::chrono::steady_clock::time_point next_sync_;
};

}  // namespace xai::internal
