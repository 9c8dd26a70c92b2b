#include "xai/store/run_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <utility>

#include "journal.hpp"
#include "run_lock.hpp"
#include "xai/core/json_text.hpp"
#include "xai/store/run_folder.hpp"
#include "xai/store/schema.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;

/// Where a record stands among those of its image.
std::uint32_t place_of(const Json& record, const RunKind& kind, const std::vector<std::string>& names) {
  std::uint32_t place = 0;
  for (std::size_t field = 1; field < kind.key.size(); ++field) {
    const Json value = record.value(kind.key[field], Json());
    const auto name =
        std::find_if(names.begin(), names.end(), [&](const std::string& known) { return value == known; });
    require<DataError>(name != names.end(), "a record has '", kind.key[field], "' ", to_text(value),
                       ", which is none of the run's models");
    place =
        place * static_cast<std::uint32_t>(names.size()) + static_cast<std::uint32_t>(name - names.begin());
  }
  return place;
}

}  // namespace

Json read_run_json(const fs::path& folder) {
  const fs::path file = folder / "run.json";
  require(fs::is_regular_file(file), folder.string(), " holds no run: it has no run.json");
  Json run = parse_json(read_file(file));
  require(
      run.is_object() && run.value("identity", Json()).is_object() && run.value("tool", Json()).is_string(),
      file.string(), " is not of a run");
  require_schema(run, file, remaking_command(run));
  return run;
}

RunReader::RunReader(fs::path folder, const RunKind& kind, const std::vector<std::string>& names)
    : folder_(std::move(folder)), lock_(internal::lock_to_read(folder_)) {
  const Json tool = read_run_json(folder_)["tool"];
  require(tool == kind.tool, folder_.string(), " holds a run of ", to_text(tool), ", not of ", kind.tool);
  std::unordered_map<std::string, std::uint32_t> index;
  internal::scan(
      folder_ / "results.jsonl",
      [&](std::int64_t offset, const std::string&, const Json& record) {
        require<DataError>(record["image"].is_string(), folder_.string(), " has a record whose image is ",
                           to_text(record["image"]));
        const std::string name = record["image"];
        const auto [known, is_new] = index.emplace(name, static_cast<std::uint32_t>(images_.size()));
        if (is_new) images_.push_back(name);
        entries_.push_back({known->second, place_of(record, kind, names), offset});
      },
      kind.key);
  std::sort(entries_.begin(), entries_.end());
  if (!images_.empty()) file_.open(folder_ / "results.jsonl", std::ios::binary);
}

void RunReader::for_each_record(std::size_t image,
                                const std::function<void(const Json&, const std::string&)>& use) {
  const Entry first{static_cast<std::uint32_t>(image), 0, 0};
  std::string line;
  for (auto entry = std::lower_bound(entries_.begin(), entries_.end(), first);
       entry != entries_.end() && entry->image == image; ++entry) {
    if (entry->offset != position_) file_.seekg(entry->offset);  // which empties the stream's buffer
    if (!std::getline(file_, line)) throw io_error("read", folder_ / "results.jsonl", errno);
    position_ = entry->offset + static_cast<std::int64_t>(line.size()) + 1;
    use(Json::parse(line), line);
  }
}

}  // namespace xai
