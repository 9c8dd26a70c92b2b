#include "xai/store/finished_run.hpp"

#include <utility>

#include "journal.hpp"
#include "xai/core/hash.hpp"

namespace xai {
namespace {

Json read_json(const std::filesystem::path& file) {
  require(std::filesystem::is_regular_file(file), "no file ", file.string(), ": ",
          file.parent_path().string(), " is not the folder of a finished run");
  Json json = Json::parse(read_file(file), nullptr, false);
  require(json.is_object(), file.string(), " is not JSON; run the analysis again");
  return json;
}

}  // namespace

FinishedRun::FinishedRun(std::filesystem::path folder, std::string_view tool)
    : folder_(std::move(folder)), run_(read_json(folder_ / "run.json")) {
  const auto text = [&](const char* field) { return to_text(run_.value(field, Json())); };
  require(run_.value("tool", Json()) == tool, folder_.string(), " holds a run of ", text("tool"), ", not of ",
          tool);
  require(run_.value("status", Json()) == "done", folder_.string(), ": the run's status is ", text("status"),
          "; run it to its end first");
  summary_ = read_json(folder_ / "summary.json");
  internal::scan(records_path(), [&](std::int64_t offset, const Json& record) {
    offsets_[internal::key_of(record, {"image"})] = offset;
  });
}

std::string FinishedRun::records_sha256() const {
  return sha256_file(records_path());
}

Json FinishedRun::record(const std::string& image) const {
  const auto offset = offsets_.find(internal::key_text({image}));
  if (offset == offsets_.end()) return Json();
  std::ifstream file(records_path(), std::ios::binary);
  file.seekg(offset->second);
  std::string line;
  if (!std::getline(file, line)) throw io_error("read", records_path(), errno);
  return Json::parse(line);
}

}  // namespace xai
