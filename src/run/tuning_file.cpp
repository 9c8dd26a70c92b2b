#include "tuning_file.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <utility>

#include "xai/core/file.hpp"
#include "xai/store/schema.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;

std::string use_of(const at::Device& device, Precision precision) {
  return cat(device.is_cuda() ? "cuda" : "cpu", " ", name(precision));
}

}  // namespace

Json TuningFile::read() const {
  if (!fs::exists(path_)) return Json{{"schema_version", schema_version}, {"tunings", Json::object()}};
  Json file = Json::parse(read_file(path_), nullptr, false);
  require(file.is_object() && file.contains("tunings") && file["tunings"].is_object(), "'tuning' ",
          path_.string(), " is no file of tunings; name another, or remove it to make it anew");
  require_schema(file, path_, "remove it, and the next run makes it");
  return file;
}

Json TuningFile::of(const ModelCard& card, const at::Device& device, Precision precision) const {
  const Json tunings = read()["tunings"];
  return tunings.value(card.sha256, Json::object()).value(use_of(device, precision), Json());
}

Json TuningFile::add(const ModelCard& card, const at::Device& device, Precision precision,
                     const Json& tuning) const {
  const fs::path folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw io_error("create folder", folder, error.value());
  const FileDescriptor lock(folder, O_RDONLY | O_DIRECTORY);
  flock(lock.get(), LOCK_EX);  // without locks the last one wins, and the shards' likeness is checked anyway
  Json file = read();
  Json& of_model = file["tunings"][card.sha256];
  of_model["name"] = card.name;
  Json& known = of_model[use_of(device, precision)];
  Json added = tuning;
  if (known.is_object()) added.update(known);
  if (known != added) {
    known = added;
    write_file_atomically(path_, to_text(file, 2) + "\n");
  }
  return added;
}

}  // namespace xai
