#include "journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "xai/core/json_text.hpp"
#include "xai/core/log.hpp"

namespace xai::internal {
namespace {

constexpr auto sync_interval = std::chrono::seconds(5);

/// All of a key but its image.
std::string rest_text(std::vector<std::string> values) {
  return to_text(Json(std::move(values)));
}

bool is_error(const Json& record) {
  return record.value("status", Json()) == "error";
}

}  // namespace

Scanned scan(const std::filesystem::path& path,
             const std::function<void(std::int64_t, const std::string&, const Json&)>& use,
             const std::vector<std::string>& fields) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open() && errno == ENOENT) return {};
  if (!file.is_open()) throw io_error("read", path, errno);  // not: it is empty
  Scanned scanned;
  std::int64_t offset = 0, records = 0;
  for (std::string line; std::getline(file, line) && !file.eof();) {
    const Json record = fields.empty() ? parse_json(line) : parse_fields(line, fields);
    const std::int64_t begin = offset;
    offset += static_cast<std::int64_t>(line.size()) + 1;
    if (!record.is_object() || !record.contains("image")) continue;
    use(begin, line, record);
    records += offset - begin;
    scanned.end = offset;
  }
  if (file.bad()) throw io_error("read", path, errno);
  scanned.damaged = scanned.end - records;
  return scanned;
}

Json record_at(const std::filesystem::path& path, std::int64_t offset) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(offset);
  std::string line;
  if (!std::getline(file, line)) throw io_error("read", path, errno);
  Json record = Json::parse(line, nullptr, false);
  require<IoError>(record.is_object(), path.string(), " was changed while it was read; run again");
  return record;
}

std::int64_t RecordIndex::find(const std::string& image, const std::string& rest) const {
  const auto image_id = images_.find(image);
  const auto rest_id = rests_.find(rest);
  if (image_id == images_.end() || rest_id == rests_.end()) return none;
  const auto& offsets = offsets_[image_id->second];
  return rest_id->second < offsets.size() ? offsets[rest_id->second] : none;
}

void RecordIndex::set(const std::string& image, const std::string& rest, std::int64_t offset) {
  const std::size_t image_id = images_.try_emplace(image, images_.size()).first->second;
  const std::size_t rest_id = rests_.try_emplace(rest, rests_.size()).first->second;
  if (image_id == offsets_.size()) offsets_.emplace_back();
  auto& offsets = offsets_[image_id];
  if (rest_id >= offsets.size()) {
    offsets.reserve(rests_.size());  // resize() alone would reserve up to twice as much
    offsets.resize(rests_.size(), none);
  }
  size_ += offsets[rest_id] == none;
  offsets[rest_id] = offset;
}

/// The journal's next version in the making.
class Journal::Rewriting {
 public:
  explicit Rewriting(const std::filesystem::path& path) : file_(path) {}

  std::int64_t bytes() const { return bytes_; }

  /// Gives the offset at which the record begins.
  std::int64_t add(const std::string& line) {
    const std::int64_t offset = bytes_;
    buffer_.append(line).push_back('\n');
    bytes_ += static_cast<std::int64_t>(line.size()) + 1;
    if (buffer_.size() >= most_buffered) flush();
    return offset;
  }

  void commit() {
    flush();
    file_.commit();
  }

 private:
  static constexpr std::size_t most_buffered = 1 << 20;

  void flush() {
    file_.write(buffer_);
    buffer_.clear();
  }

  AtomicFile file_;
  std::string buffer_;
  std::int64_t bytes_ = 0;
};

Journal::Journal(std::filesystem::path path, Key key, RunAccess access)
    : path_(std::move(path)), key_(std::move(key)) {
  const bool looks = access == RunAccess::look;
  if (!looks) file_ = FileDescriptor(path_, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW);
  bool unusable = false;
  Key looked_at = key_;
  looked_at.emplace_back("status");
  const Scanned scanned = scan(
      path_,
      [&](std::int64_t offset, const std::string&, const Json& record) {
        const auto [image, rest] = key_of(record);
        const bool doubled = index_.find(image, rest) != RecordIndex::none;
        unusable = unusable || is_error(record) || doubled;
        if (!doubled && (!looks || !is_error(record))) index_.set(image, rest, offset);
      },
      looked_at);
  bytes_ = scanned.end;
  if (looks) return;
  cut_torn_tail();
  if (scanned.damaged > 0)
    log::warning(path_.string(), ": leaving out ", scanned.damaged,
                 " bytes that are damaged; what they were of is done again");
  if (unusable || scanned.damaged > 0) drop_unusable();
  next_sync_ = std::chrono::steady_clock::now() + sync_interval;
}

Journal::~Journal() {
  if (file_.get() < 0) return;  // only looked at
  try {
    sync();
  } catch (const IoError& error) {
    log::debug(error.what());  // of a run that has failed, or is written to its end
  }
}

void Journal::sync() {
  xai::sync(file_, path_);
}

Journal::KeyText Journal::key_of(const Json& record) const {
  Json rest = Json::array();
  for (std::size_t i = 1; i < key_.size(); ++i) rest.push_back(record.value(key_[i], Json()));
  return {key_text(record.value(key_.front(), Json())), to_text(rest)};
}

void Journal::cut_torn_tail() {
  const auto torn = static_cast<std::int64_t>(std::filesystem::file_size(path_)) - bytes_;
  if (torn == 0) return;
  log::warning(path_.string(), ": cutting off ", torn, " bytes of a record that was not written to its end");
  cut();
}

/// Makes the file end with the last record.
void Journal::cut() {
  if (ftruncate(file_.get(), bytes_) != 0) throw io_error("truncate", path_, errno);
  torn_ = false;
}

void Journal::drop_unusable() {
  index_ = {};  // first: two of them are much memory
  RecordIndex index;
  Rewriting rewritten(path_);
  scan(path_, [&](std::int64_t, const std::string& line, const Json& record) {
    if (is_error(record)) return;
    const auto [image, rest] = key_of(record);
    if (index.find(image, rest) == RecordIndex::none) index.set(image, rest, rewritten.add(line));
  });
  take(rewritten, std::move(index));
}

std::int64_t Journal::find(const Key& key) const {
  return index_.find(key_text(key.front()), rest_text({key.begin() + 1, key.end()}));
}

void Journal::append(const Json& record, std::string_view text) {
  const auto [image, rest] = key_of(record);
  require<Error>(index_.find(image, rest) == RecordIndex::none, path_.string(), " has a record of ", image,
                 rest == "[]" ? "" : rest, " already");
  const std::string line = cat(text, "\n");
  if (torn_) cut();
  try {
    torn_ = true;
    write_all(file_, line, path_);
    torn_ = false;
  } catch (const IoError&) {
    if (ftruncate(file_.get(), bytes_) == 0) torn_ = false;  // else the next one tries again, or the next run
    throw;
  }
  index_.set(image, rest, bytes_);
  bytes_ += static_cast<std::int64_t>(line.size());
  if (const auto now = std::chrono::steady_clock::now(); now >= next_sync_) {
    sync();
    next_sync_ = now + sync_interval;
  }
}

void Journal::finish(const std::vector<std::string>& images, const std::vector<Key>& rests) {
  std::vector<std::string> rest_texts;
  for (const Key& rest : rests) rest_texts.push_back(rest_text(rest));
  std::ifstream from(path_, std::ios::binary);
  std::int64_t position = 0;
  RecordIndex index;
  Rewriting rewritten(path_);
  std::string line;
  for (const std::string& name : images) {
    const std::string image = key_text(name);
    for (const std::string& rest : rest_texts) {
      const std::int64_t offset = index_.find(image, rest);
      if (offset == RecordIndex::none) continue;
      if (offset != position) from.seekg(offset);  // which empties the stream's buffer
      if (!std::getline(from, line)) throw io_error("read", path_, errno);
      position = offset + static_cast<std::int64_t>(line.size()) + 1;
      index.set(image, rest, rewritten.add(line));
    }
  }
  take(rewritten, std::move(index));
}

void Journal::take(Rewriting& rewritten, RecordIndex index) {
  rewritten.commit();
  file_ = FileDescriptor(path_, O_WRONLY | O_APPEND | O_NOFOLLOW);
  index_ = std::move(index);
  bytes_ = rewritten.bytes();
}

void Journal::for_each_record(const std::function<void(const Json&)>& use) const {
  scan(path_, [&](std::int64_t, const std::string&, const Json& record) { use(record); });
}

}  // namespace xai::internal
