#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xai/core/interrupt.hpp"
#include "xai/core/json.hpp"
#include "xai/store/run_kind.hpp"

namespace xai {

namespace internal {
class Journal;
class RunLock;
}  // namespace internal

/// `folder` is one that a run writes or wrote, of whatever version: what is in it is no data.
bool is_run_folder(const std::filesystem::path& folder);

/// What a run.json says of its run, or "interrupted" where it says "running" and nobody writes to the folder.
Json status_of(const Json& run, const std::filesystem::path& folder);

/// Whether a run folder is written, or only looked at: then nothing is made, locked, changed or removed, and
/// what would be written is counted.
enum class RunAccess { write, look };

/// The folder that a run writes (SPEC 8): run.json, the journal results.jsonl, and files beside them.
///
/// A record is one JSON object, known by its key: the values of the fields that its kind names, "image"
/// first. It is safe once append() returns: a kill can at worst tear the record being written, which the next
/// opening cuts off. Opened again with an equal identity the run goes on; records with status "error" are
/// dropped then, so that their images are tried again. Memory: one entry an image and 8 bytes a record, never
/// the records. Holds a lock on the folder while it lives. For one thread at a time; but write_run() and
/// write_file() may run beside the others, each file from one thread.
///
/// run.json says "running" only while that is so: where the folder goes, or the process ends by a signal but
/// SIGKILL, and no other status was written, it says "failed" then, or "stopped".
class RunFolder {
 public:
  using Key = std::vector<std::string>;

  /// Opens or creates `path`. `kind` outlives the folder. `identity` is a JSON object of everything that must
  /// be equal for a run to go on. `overwrite`: removes what an earlier run owned there, as its run.json says,
  /// and starts anew. Throws UsageError where the folder holds records of another run, one of another schema
  /// version, files but no run, or is in use by another process; IoError where it cannot be written. So it
  /// does where it only looks.
  RunFolder(const RunKind& kind, std::filesystem::path path, Json identity, bool overwrite = false,
            RunAccess access = RunAccess::write);
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;
  ~RunFolder();

  const std::filesystem::path& path() const { return path_; }
  /// run.json as an earlier session left it; null in a new run. The status of one that was killed is
  /// "interrupted".
  const Json& previous_run() const { return previous_run_; }
  /// What must be equal for a run to go on.
  const Json& identity() const { return identity_; }
  RunAccess access() const { return access_; }
  /// What append() and write_file() would have written so far, where it only looks.
  std::int64_t counted_bytes() const { return counted_bytes_; }

  /// There is a record with these values of the key's fields.
  bool done(const Key& key) const;
  /// The number of records.
  long done_count() const;
  /// That record, read back from the journal; nothing where it is not done().
  std::optional<Json> record(const Key& key) const;

  /// Adds a record that is not done(). Throws IoError where the disk is full; the journal then
  /// ends with the record before.
  void append(const Json& record);
  /// The same, of a record whose text is known: `line`, without an end.
  void append(const Json& record, std::string_view line);

  /// Rewrites results.jsonl image by image, within an image by the rest of the key: the records of each
  /// {image, rest...}, where there is one. All others are left out.
  void finish(const std::vector<std::string>& images, const std::vector<Key>& rest = {{}});

  /// Calls `use` with each record, in the journal's order.
  void for_each_record(const std::function<void(const Json&)>& use) const;

  /// Replaces run.json by `run` with the schema version, what the run owns, and the identity.
  void write_run(Json run);

  /// Writes a file of the run, e.g. "summary.json" or "images/n01440764/x.png"; folders are made.
  void write_file(const std::filesystem::path& name, std::string_view content) const;

 private:
  void create();
  void claim(bool overwrite);
  void open_journal();
  void prepare_to_write();
  void look(bool overwrite);
  void go_on(const Json& run);

  const RunKind& kind_;
  std::filesystem::path path_;
  Json identity_;
  RunAccess access_;
  Json previous_run_;
  mutable std::int64_t counted_bytes_ = 0;  ///< by the one thread that writes
  std::unique_ptr<internal::RunLock> lock_;
  std::unique_ptr<LastWord> last_word_;  ///< of run.json, while it says "running"
  std::unique_ptr<internal::Journal> journal_;
};

}  // namespace xai
