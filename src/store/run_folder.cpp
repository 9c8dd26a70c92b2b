#include "xai/store/run_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <utility>

#include "journal.hpp"
#include "xai/core/log.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;

using internal::key_of;
using internal::key_text;
using internal::scan;

constexpr auto sync_interval = std::chrono::seconds(5);

/// The run.json of a folder that holds a run; null for an empty folder.
Json read_run(const fs::path& folder) {
  if (fs::exists(folder / "run.json")) {
    Json run = Json::parse(read_file(folder / "run.json"), nullptr, false);
    if (run.is_object() && run.contains("identity")) return run;
  } else {
    const auto ours = [](const fs::directory_entry& entry) {
      return entry.path().filename() == ".lock" || entry.path().filename() == "run.json.tmp";
    };
    if (std::all_of(fs::directory_iterator(folder), {}, ours)) return Json();
  }
  throw UsageError(cat(folder.string(), " holds files that are no run of this tool; choose another --out"));
}

}  // namespace

RunFolder::RunFolder(fs::path path, Json identity, bool overwrite, Key key)
    : path_(std::move(path)), identity_(std::move(identity)), key_(std::move(key)) {
  try {
    create();
    lock();
    claim(overwrite);
    open_journal();
  } catch (const fs::filesystem_error& error) {
    throw io_error("use", error.path1(), error.code().value());
  }
}

RunFolder::~RunFolder() {
  try {
    sync(journal_, journal_path());
  } catch (const IoError& error) {
    log::error(error.what());
  }
}

void RunFolder::create() {
  std::error_code error;
  fs::create_directories(path_, error);
  if (!error && !fs::is_directory(path_)) error = std::make_error_code(std::errc::not_a_directory);
  if (error) throw io_error("create folder", path_, error.value());
}

void RunFolder::lock() {
  lock_ = FileDescriptor(path_ / ".lock", O_RDWR | O_CREAT);
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return;
  require(errno != EWOULDBLOCK, path_.string(),
          " is in use by another running process; wait for it or choose another --out");
  log::warning(path_.string(), " cannot be locked on this file system; let only one process write to it");
}

void RunFolder::claim(bool overwrite) {
  const Json run = read_run(path_);
  if (!run.is_null() && !overwrite) {
    const auto difference = first_difference(run["identity"], identity_, "");
    const bool has_records = fs::exists(journal_path()) && fs::file_size(journal_path()) > 0;
    require(!difference || !has_records, path_.string(), " holds another run: ", difference.value_or(""),
            "; use --overwrite to start anew or choose another --out");
    if (!difference) {
      previous_run_ = run;
      return;
    }
  }
  if (!run.is_null()) remove_earlier_run();
  write_run(Json{{"status", "running"}});
}

void RunFolder::remove_earlier_run() const {
  for (const char* folder : {"images", "maps", "graphs", "scores", "predictions", "baselines"}) {
    std::error_code missing;
    std::vector<fs::path> subfolders = {path_ / folder};
    for (const auto& entry : fs::recursive_directory_iterator(path_ / folder, missing)) {
      const auto extension = entry.path().extension();
      if (entry.is_directory() && !entry.is_symlink())
        subfolders.push_back(entry.path());
      else if (extension == ".png" || extension == ".npy" || extension == ".dot" || extension == ".svg" ||
               extension == ".tmp")
        fs::remove(entry.path());
    }
    for (auto i = subfolders.rbegin(); i != subfolders.rend(); ++i)  // inner ones first
      if (fs::is_directory(*i) && fs::is_empty(*i)) fs::remove(*i);
  }
  for (const char* name :
       {"results.jsonl", "summary.json", "summary.csv", "matrix.csv", "family_matrix.csv", "asymmetry.csv",
        "landscape.csv", "ensemble.csv", "run.json"})  // what marks a run goes last
    for (const char* suffix : {"", ".tmp"}) fs::remove(path_ / (std::string(name) + suffix));
}

void RunFolder::open_journal() {
  bool has_errors = false;
  std::vector<std::string> keys;
  journal_ = FileDescriptor(journal_path(), O_WRONLY | O_CREAT | O_APPEND);
  journal_size_ = scan(journal_path(), [&](std::int64_t offset, const Json& record) {
    if (record.value("status", "") == "error") {
      has_errors = true;
      return;
    }
    keys.push_back(key_of(record, key_));
    offsets_[keys.back()] = offset;
  });
  const auto torn = static_cast<std::int64_t>(fs::file_size(journal_path())) - journal_size_;
  if (torn > 0) {
    log::warning(journal_path().string(), ": cutting off ", torn,
                 " bytes of a record that was not written to its end");
    if (ftruncate(journal_.get(), journal_size_) != 0) throw io_error("truncate", journal_path(), errno);
  }
  if (has_errors) rewrite_journal(keys);
  next_sync_ = std::chrono::steady_clock::now() + sync_interval;
}

bool RunFolder::done(const Key& key) const {
  return offsets_.contains(key_text(key));
}

void RunFolder::append(const Json& record) {
  const auto key = key_of(record, key_);
  require<Error>(!offsets_.contains(key), journal_path().string(), " has a record of ", key, " already");
  const std::string line = to_text(record) + "\n";
  try {
    write_all(journal_, line, journal_path());
  } catch (const IoError&) {
    if (ftruncate(journal_.get(), journal_size_) != 0)
      log::error(io_error("truncate", journal_path(), errno).what());
    throw;
  }
  offsets_[key] = journal_size_;
  journal_size_ += static_cast<std::int64_t>(line.size());
  if (const auto now = std::chrono::steady_clock::now(); now >= next_sync_) {
    sync(journal_, journal_path());
    next_sync_ = now + sync_interval;
  }
}

void RunFolder::finish(const std::vector<Key>& keys) {
  std::vector<std::string> known;
  for (const Key& key : keys)
    if (std::string text = key_text(key); offsets_.contains(text)) known.push_back(std::move(text));
  rewrite_journal(known);
}

void RunFolder::rewrite_journal(const std::vector<std::string>& keys) {
  std::ifstream from(journal_path(), std::ios::binary);
  AtomicFile to(journal_path());
  std::unordered_map<std::string, std::int64_t> offsets;
  std::int64_t size = 0;
  for (const auto& key : keys) {
    std::string line;
    from.seekg(offsets_.at(key));
    if (!std::getline(from, line)) throw io_error("read", journal_path(), errno);
    line += '\n';
    to.write(line);
    offsets[key] = size;
    size += static_cast<std::int64_t>(line.size());
  }
  to.commit();
  journal_ = FileDescriptor(journal_path(), O_WRONLY | O_APPEND);
  offsets_ = std::move(offsets);
  journal_size_ = size;
}

void RunFolder::for_each_record(const std::function<void(const Json&)>& use) const {
  scan(journal_path(), [&](std::int64_t, const Json& record) { use(record); });
}

void RunFolder::write_run(Json run) const {
  run["identity"] = identity_;
  write_file("run.json", to_text(run, 2) + "\n");
}

void RunFolder::write_file(const fs::path& name, std::string_view content) const {
  const auto file = path_ / name;
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) throw io_error("create folder", file.parent_path(), error.value());
  write_file_atomically(file, content);
}

}  // namespace xai
