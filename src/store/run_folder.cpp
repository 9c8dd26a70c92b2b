#include "xai/store/run_folder.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "journal.hpp"
#include "owned_files.hpp"
#include "run_lock.hpp"
#include "xai/core/json_text.hpp"
#include "xai/store/real_folders.hpp"
#include "xai/store/schema.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;

// As run.json holds them, equally long: one may be written over another.
constexpr const char* running_word = "\"running\"";
constexpr const char* stopped_word = "\"stopped\"";
constexpr const char* failed_word = "\"failed\" ";

/// Of what is no JSON object: null.
Json parsed(const fs::path& file) {
  Json json = parse_json(read_file(file));
  return json.is_object() ? json : Json();
}

/// The run.json of a folder that holds a run; null for an empty folder.
Json read_run(const fs::path& folder) {
  if (fs::exists(folder / "run.json")) {
    Json run = parsed(folder / "run.json");
    if (!run.is_null() && run.contains("identity")) return run;
  } else {
    const auto ours = [](const fs::directory_entry& entry) {
      const fs::path name = entry.path().filename();
      return name == ".lock" || name == ".lock.held" || name == "run.json.tmp";
    };
    if (std::all_of(fs::directory_iterator(folder), {}, ours)) return Json();
  }
  throw UsageError(cat(folder.string(), " holds files that are no run of this tool; choose another 'out'"));
}

/// What the run of a run.json owns. Runs of schema 1 do not say it: there it is known of the same tool alone.
std::vector<std::string> owned_by(const Json& run, const RunKind& kind, const fs::path& folder) {
  std::vector<std::string> paths;
  if (run.contains("paths")) {
    for (const Json& path : run["paths"])
      if (path.is_string()) paths.push_back(path);
    return paths;
  }
  const Json& identity = run["identity"];
  const Json tool = identity.is_object() ? identity.value("tool", Json()) : Json();
  require(
      tool == kind.tool, folder.string(), " holds a run of ", to_text(tool),
      " by an earlier version, which does not say what it owns there; remove the folder or choose another "
      "'out'");
  return kind.paths;
}

}  // namespace

bool is_run_folder(const fs::path& folder) try {
  const fs::path run = folder / "run.json";
  const bool marked =
      fs::is_regular_file(run) && (fs::exists(folder / ".lock") || fs::exists(folder / "results.jsonl"));
  if (!marked) return false;
  const Json identity = parsed(run).value("identity", Json());
  return identity.is_object() && identity.contains("tool");
} catch (const std::exception&) {
  return false;  // not to be read: none that a run could have written to
}

Json status_of(const Json& run, const fs::path& folder) {
  Json status = run.is_object() ? run.value("status", Json()) : Json();
  return status == "running" && !internal::lock_holder(folder) ? Json("interrupted") : status;
}

RunFolder::RunFolder(const RunKind& kind, fs::path path, Json identity, bool overwrite, RunAccess access)
    : kind_(kind), path_(std::move(path)), identity_(std::move(identity)), access_(access) {
  try {
    if (access == RunAccess::look) {
      look(overwrite);
      return;
    }
    create();
    internal::require_real(path_, kind_.paths);
    lock_ = std::make_unique<internal::RunLock>(path_);
    claim(overwrite);
    open_journal();
  } catch (const fs::filesystem_error& error) {
    throw io_error("use", error.path1(), error.code().value());
  }
}

RunFolder::~RunFolder() {
  if (last_word_) last_word_->say_failed();
}

void RunFolder::create() {
  std::error_code error;
  fs::create_directories(path_, error);
  if (!error && !fs::is_directory(path_)) error = std::make_error_code(std::errc::not_a_directory);
  if (error) throw io_error("create folder", path_, error.value());
}

/// Takes up the run that is there, if it is this one.
void RunFolder::go_on(const Json& run) {
  require_schema(run, path_ / "run.json", remaking_command(run));
  const auto difference = first_difference(run["identity"], identity_, "");
  const fs::path journal = path_ / "results.jsonl";
  const bool has_records = fs::exists(journal) && fs::file_size(journal) > 0;
  require(!difference || !has_records, path_.string(), " holds another run: ", difference.value_or(""),
          "; use 'overwrite' to start anew or choose another 'out'");
  if (!difference) previous_run_ = run;
}

void RunFolder::open_journal() {
  journal_ = std::make_unique<internal::Journal>(path_ / "results.jsonl", kind_.key,
                                                 lock_->is_read() ? RunAccess::look : RunAccess::write);
}

/// Throws where another process reads in the folder, or took it over.
void RunFolder::prepare_to_write() {
  lock_->require_held();
  if (!lock_->is_read()) return;
  lock_->require_alone();
  if (journal_) open_journal();
}

void RunFolder::claim(bool overwrite) {
  const Json run = read_run(path_);
  if (!run.is_null() && !overwrite) go_on(run);
  if (!previous_run_.is_null()) {
    if (run.value("status", Json()) == "running") {
      previous_run_["status"] = "interrupted";
      write_run(previous_run_);
    }
    return;
  }
  prepare_to_write();
  if (!run.is_null()) internal::remove_owned(path_, owned_by(run, kind_, path_));
  write_run(Json{{"schema_version", schema_version}, {"tool", kind_.tool}, {"status", "running"}});
}

/// Throws what create(), the lock and claim() would.
void RunFolder::look(bool overwrite) {
  fs::path folder = fs::absolute(path_);
  while (!fs::exists(folder) && folder.has_relative_path()) folder = folder.parent_path();
  if (!fs::is_directory(folder)) throw io_error("create folder", path_, ENOTDIR);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    const int problem = errno;
    throw io_error(fs::exists(path_) ? "write to folder" : "create folder", path_, problem);
  }
  if (!fs::exists(path_)) {
    journal_ = std::make_unique<internal::Journal>(kind_.key);
    return;
  }
  internal::require_real(path_, kind_.paths);
  internal::require_unlocked(path_);
  const Json run = read_run(path_);
  if (!run.is_null() && !overwrite) go_on(run);
  if (!previous_run_.is_null()) previous_run_["status"] = status_of(run, path_);
  journal_ = previous_run_.is_null()
                 ? std::make_unique<internal::Journal>(kind_.key)
                 : std::make_unique<internal::Journal>(path_ / "results.jsonl", kind_.key, access_);
}

bool RunFolder::done(const Key& key) const {
  return journal_->find(key) != internal::RecordIndex::none;
}

long RunFolder::done_count() const {
  return journal_->size();
}

std::optional<Json> RunFolder::record(const Key& key) const {
  const auto offset = journal_->find(key);
  if (offset == internal::RecordIndex::none) return std::nullopt;
  return journal_->record(offset);
}

void RunFolder::append(const Json& record) {
  append(record, to_text(record));
}

void RunFolder::append(const Json& record, std::string_view line) {
  if (access_ == RunAccess::look) {
    counted_bytes_ += static_cast<std::int64_t>(line.size()) + 1;
    return;
  }
  prepare_to_write();
  journal_->append(record, line);
}

void RunFolder::finish(const std::vector<std::string>& images, const std::vector<Key>& rest) {
  prepare_to_write();
  journal_->finish(images, rest);
}

void RunFolder::for_each_record(const std::function<void(const Json&)>& use) const {
  journal_->for_each_record(use);
}

void RunFolder::write_run(Json run) {
  if (access_ == RunAccess::look) return;
  prepare_to_write();
  if (journal_) journal_->sync();  // what run.json tells of is there
  run["schema_version"] = schema_version;
  run["paths"] = kind_.paths;
  run["identity"] = identity_;
  const std::string text = to_text(run, 2) + "\n";
  write_file("run.json", text);
  const std::string status = "\n  \"status\": ";
  const auto at = text.find(status + running_word);
  auto word = at == text.npos
                  ? nullptr
                  : std::make_unique<LastWord>(path_ / "run.json", static_cast<long>(at + status.size()),
                                               stopped_word, failed_word);
  last_word_ = std::move(word);  // the new one is there before the old one goes
}

void RunFolder::write_file(const fs::path& name, std::string_view content) const {
  if (access_ == RunAccess::look) {
    counted_bytes_ += static_cast<std::int64_t>(content.size());
    return;
  }
  make_folders(path_, name);
  write_file_atomically(path_ / name, content);
}

}  // namespace xai
