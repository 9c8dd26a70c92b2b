#include "xai/store/finished_run.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "journal.hpp"
#include "run_lock.hpp"
#include "xai/core/hash.hpp"
#include "xai/core/json_text.hpp"
#include "xai/store/run_folder.hpp"
#include "xai/store/schema.hpp"

namespace xai {
namespace {

Json read_json(const std::filesystem::path& file) {
  require(std::filesystem::is_regular_file(file), "no file ", file.string(), ": ",
          file.parent_path().string(), " is not the folder of a finished run");
  Json json = parse_json(read_file(file));
  require(json.is_object(), file.string(), " is not JSON; run the analysis again");
  return json;
}

}  // namespace

FinishedRun::FinishedRun(std::filesystem::path folder, const RunKind& kind, const Json& shard)
    : folder_(std::move(folder)),
      lock_(internal::lock_to_read(folder_)),
      run_(read_json(folder_ / "run.json")) {
  require_schema(run_, folder_ / "run.json", remaking_command(run_));
  const auto text = [&](const char* field) { return to_text(run_.value(field, Json())); };
  require(run_.value("tool", Json()) == kind.tool, folder_.string(), " holds a run of ", text("tool"),
          ", not of ", kind.tool);
  run_["status"] = status_of(run_, folder_);
  if (run_["status"] == "running")
    throw UsageError(cat(folder_.string(), " is still written to by ",
                         internal::lock_holder(folder_).value_or("another process"), "; wait for its end"));
  require(run_["status"] == "done", folder_.string(), ": the run's status is ", text("status"),
          "; run it to its end first");
  const Json identity = run_.value("identity", Json());
  const Json its_shard = identity.is_object() ? identity.value("shard", Json()) : Json();
  require(its_shard == shard, folder_.string(), " has ",
          its_shard.is_null() ? "all images" : cat("the images of one shard, ", to_text(its_shard)),
          ": merge all shards with xai-merge, and name what comes out");
  summary_ = read_json(folder_ / "summary.json");
  require_schema(summary_, folder_ / "summary.json", remaking_command(run_));
  std::string last;
  const internal::Scanned scanned =
      internal::scan(records_path(),
                     [&](std::int64_t offset, const std::string&, const Json& record) {
                       std::string image = internal::key_text(record["image"]);
                       if (image == last) return;
                       entries_.push_back({std::hash<std::string>()(image), offset});
                       last = std::move(image);
                     },
                     {"image"});
  const auto torn = static_cast<std::int64_t>(std::filesystem::file_size(records_path())) - scanned.end;
  require(scanned.damaged == 0 && torn == 0, records_path().string(),
          " is damaged; run the analysis again: it keeps what is whole");
  entries_.shrink_to_fit();
  std::sort(entries_.begin(), entries_.end());
}

std::string FinishedRun::records_sha256() const {
  return sha256_file(records_path());
}

Json FinishedRun::record(const std::string& image) const {
  const std::string wanted = internal::key_text(image);
  const Entry first{std::hash<std::string>()(wanted), 0};
  for (auto entry = std::lower_bound(entries_.begin(), entries_.end(), first);
       entry != entries_.end() && entry->hash == first.hash; ++entry) {
    Json record = internal::record_at(records_path(), entry->offset);
    if (internal::key_text(record.value("image", Json())) == wanted) return record;
  }
  return Json();
}

}  // namespace xai
