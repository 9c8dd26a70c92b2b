#include "xai/run/session.hpp"

#include <map>

#include "xai/core/file.hpp"
#include "xai/core/log.hpp"
#include "xai/core/version.hpp"
#include "xai/record/summary.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;

/// Knows where the folders of runs are: what a run wrote is no data of another.
class RunFolders {
 public:
  /// The run folder that a path is, or lies in.
  std::optional<fs::path> around(const fs::path& path) {
    std::error_code broken_link;
    return above(fs::weakly_canonical(path, broken_link));
  }

  void require_outside(const fs::path& path, const char* remedy) {
    const auto run = around(path);
    require(!run, path.string(), " lies in ", run.value_or(fs::path()).string(),
            ", which is the folder of a run, and what a run wrote is no data: ", remedy);
  }

 private:
  std::optional<fs::path> above(const fs::path& path) {
    const auto [known, added] = known_.try_emplace(path);
    std::optional<fs::path>& run = known->second;  // which a map never moves
    if (added && is_run_folder(path))
      run = path;
    else if (added && path.has_relative_path())
      run = above(path.parent_path());
    return run;
  }

  std::map<fs::path, std::optional<fs::path>> known_;
};

}  // namespace

DataSet open_data(const DataSetOptions& options, const ModelCard& card) {
  RunFolders runs;
  if (!options.data.empty()) runs.require_outside(options.data, "choose another 'data'");
  long run_folders = 0;
  DataSetOptions asked = options;
  asked.leaves_out = [&](const fs::path& folder) {
    const bool is_run = fs::is_symlink(folder) ? runs.around(folder).has_value() : is_run_folder(folder);
    run_folders += is_run;
    return is_run;
  };
  const auto left_out = [&] {
    return cat(run_folders, run_folders == 1 ? " run folder" : " run folders", " in ", options.data.string(),
               " left out: what a run wrote is no data");
  };
  DataSet data;
  try {
    data = open_data_set(asked, card.class_list, card.classes);
  } catch (const DataError& error) {
    if (run_folders == 0) throw;
    throw DataError(cat(error.what(), "; ", left_out()));
  }
  if (data.layout == "list")
    for (const ImageEntry& image : data.images)
      runs.require_outside(image.source.file, "take it off the list");
  if (run_folders > 0) log::info(left_out());
  for (const std::string& note : data.notes) log::info(note);
  for (const std::string& warning : data.warnings) log::warning(warning);
  return data;
}

Json model_record(const ModelCard& card) {
  return {{"path", card.model.string()}, {"sha256", card.sha256}, {"card", card.document}};
}

Json data_record(const DataSetOptions& options, const DataSet& data, const Shard& shard, long images) {
  Json record = {{"path", options.data.string()},
                 {"layout", data.layout},
                 {"count", data.images.size()},
                 {"sha256", data.sha256}};
  if (!shard.whole()) {
    record["shard"] = shard_identity(shard);
    record["shard"]["images"] = images;
  }
  return record;
}

Json data_identity(const DataSet& data) {
  return {{"sha256", data.sha256}, {"count", data.images.size()}};
}

Json shard_identity(const Shard& shard) {
  return shard.whole() ? Json() : Json{{"index", shard.index}, {"count", shard.count}};
}

Json identity_of_all_shards(Json identity) {
  if (field(identity, "shard").is_object()) identity["shard"].erase("index");
  return identity;
}

std::string start_of(const RunFolder& folder) {
  if (!folder.previous_run().is_null()) return "goes on";
  return fs::exists(folder.path() / "run.json") ? "starts anew" : "new";
}

Json planned_data(const DataSetOptions& options, const DataSet& data, const Shard& shard, long images) {
  Json record = data_record(options, data, shard, images);
  record["notes"] = data.notes;
  record["warnings"] = data.warnings;
  return record;
}

void compare_with_shards_beside(const RunFolder& folder, const Json& tuning) {
  if (!folder.identity().contains("shard")) return;
  const Json choices = tuning_choices(tuning);
  std::error_code unreadable;
  for (const auto& beside : fs::directory_iterator(fs::absolute(folder.path()) / "..", unreadable)) {
    Json run;
    try {
      run = Json::parse(read_file(beside.path() / "run.json"), nullptr, false);
    } catch (const IoError&) {
      continue;
    }
    const Json there = tuning_choices(field(run, "tuning"));
    if (field(run, "status") != "done" || there == choices) continue;
    if (identity_of_all_shards(field(run, "identity")) != identity_of_all_shards(folder.identity())) continue;
    log::warning("this shard runs its models in another way ", to_text(choices), " than ",
                 beside.path().lexically_normal().string(), " beside it ", to_text(there),
                 ", and xai-merge refuses such shards: give all of them one file with 'tuning'");
    return;
  }
}

Json field(const Json& object, const char* name) {
  return object.is_object() ? object.value(name, Json()) : Json();
}

RunLog::RunLog(RunFolder& folder, const RunKind& kind, const OutputOptions& output, Json options, Json model,
               Json data, const ModelCard& classes)
    : folder_(folder) {
  info.kind = &kind;
  info.tool_version = std::string(version());
  info.git_commit = std::string(git_commit());
  info.command = output.command;
  info.options = std::move(options);
  info.model = std::move(model);
  info.data = std::move(data);
  info.class_names = classes.class_list.names;
  info.seed = output.seed;
}

void RunLog::write(const std::string& status) {
  info.status = status;
  info.seconds = time_.seconds();
  folder_.write_run(to_json(info, folder_.previous_run()));
  since_writing_ = Stopwatch();
}

void RunLog::keep_fresh() {
  if (since_writing_.seconds() > 60) write("running");
}

void RunLog::guard(const std::function<void()>& work) {
  try {
    work();
  } catch (...) {
    try {
      write("failed");
    } catch (const IoError& error) {
      log::debug(error.what());  // the same full disk, most likely
    }
    throw;
  }
}

void write_summary(const RunFolder& folder, const Summary& summary, const Json& document) {
  folder.write_file("summary.json", to_text(document, 2) + "\n");
  folder.write_file("summary.csv", summary_csv(document));
  for (const auto& [name, content] : summary.tables(document)) folder.write_file(name, content);
}

}  // namespace xai
