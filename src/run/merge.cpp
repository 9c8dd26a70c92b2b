#include "xai/run/merge.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "linked_files.hpp"
#include "xai/core/error.hpp"
#include "xai/core/log.hpp"
#include "xai/core/parallel.hpp"
#include "xai/record/kinds.hpp"
#include "xai/record/summary.hpp"
#include "xai/run/session.hpp"
#include "xai/store/real_folders.hpp"
#include "xai/store/row_file.hpp"
#include "xai/store/run_reader.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;

/// A shard's folder and what its run.json says.
struct Part {
  fs::path folder;
  Json run;
  long index = 0, count = 1;

  bool done() const { return run["status"] == "done"; }
};

Part read_part(const fs::path& folder) {
  Part part{.folder = folder, .run = read_run_json(folder)};
  part.run["status"] = status_of(part.run, folder);
  const Json shard = part.run["identity"].value("shard", Json());
  require(shard.is_object(), folder.string(), " is no shard: its run is over all images");
  part.index = shard.at("index");
  part.count = shard.at("count");
  return part;
}

/// The shards, by their index.
using Parts = std::map<long, Part>;

/// What of a run must be that of all shards.
Json likeness_of(const Part& part) {
  return {{"run", identity_of_all_shards(part.run["identity"])},
          {"tuning", tuning_choices(part.run.value("tuning", Json()))}};
}

void require_alike(const Part& first, const Part& other) {
  const auto difference = first_difference(likeness_of(first), likeness_of(other), "");
  require(!difference, first.folder.string(), " and ", other.folder.string(),
          " are no shards of one run: ", difference.value_or(""));
  for (const char* field : {"tool_version", "git_commit"})
    if (first.run.value(field, Json()) != other.run.value(field, Json()))
      log::warning(first.folder.string(), " and ", other.folder.string(),
                   " were made by unlike versions: ", field, " ", to_text(first.run.value(field, Json())),
                   " and ", to_text(other.run.value(field, Json())));
}

/// `lenient`: folders without a run are passed over; which shards they were to be is seen by their absence.
Parts read_parts(const std::vector<fs::path>& folders, bool lenient) {
  Parts parts;
  for (const fs::path& folder : folders) {
    if (lenient && !fs::exists(folder / "run.json")) continue;
    Part part = read_part(folder);
    if (!parts.empty()) require_alike(parts.begin()->second, part);
    const auto [place, is_new] = parts.emplace(part.index, part);
    require(is_new, place->second.folder.string(), " and ", folder.string(), " are both shard ", part.index);
  }
  require(!parts.empty(), "none of 'shards' holds a run: how many shards there are cannot be told");
  return parts;
}

/// "3,7,12-15": the shards that are not there, or not done.
std::string missing_of(const Parts& parts) {
  std::string text;
  const long count = parts.begin()->second.count;
  const auto lacks = [&](long index) {
    const auto part = parts.find(index);
    return part == parts.end() || !part->second.done();
  };
  for (long first = 0; first < count; ++first) {
    if (!lacks(first)) continue;
    long last = first;
    while (last + 1 < count && lacks(last + 1)) ++last;
    text += cat(text.empty() ? "" : ",", first, last > first ? cat(last == first + 1 ? "," : "-", last) : "");
    first = last;
  }
  return text;
}

std::string why_missing(const Parts& parts) {
  std::string text;
  for (const auto& [index, part] : parts)
    if (!part.done())
      text += cat(text.empty() ? "; " : ", ", part.folder.string(), " is ",
                  part.run["status"].is_string() ? part.run["status"].get<std::string>() : "no whole run");
  return text;
}

/// Names of the run's models, in its order.
std::vector<std::string> models_of(const Json& run) {
  std::vector<std::string> names;
  if (run.at("model").is_array())
    for (const Json& model : run.at("model")) names.push_back(model.at("card").at("name"));
  return names;
}

/// An image of the merged run, and where its records are.
struct Place {
  std::string image;
  RunReader* reader;
  std::size_t index;  ///< in reader->images()
};

/// One run of its shards' runs: the one that was asked for, or a run inside all of them.
class Merger {
 public:
  Merger(const fs::path& out, Parts parts, const MergeOptions& options, RunObserver& observer)
      : out_(out),
        parts_(std::move(parts)),
        options_(options),
        observer_(observer),
        first_(parts_.begin()->second),
        missing_(missing_of(parts_)),
        kind_(*kind_of(first_.run["tool"].get<std::string>())) {}

  MergeResult run() {
    open_readers();
    const std::vector<Place> places = images_in_order();
    RunFolder folder(kind_, out_, identity(), replaces());
    Json run = whole_run();
    folder.write_run(run);
    merge_runs_inside();
    const auto summary = kind_.summary(run);
    if (!take_records(places, folder, *summary) || !take_files()) return {{.folder = out_}, missing_};
    summary->add_files(out_);

    Json document = summary->to_json();
    const bool complete = missing_.empty();
    if (!complete) document["partial"] = partial(places.size());
    run["counts"] = document[kind_.key.size() > 1 ? "pairs" : "statuses"];
    write_summary(folder, *summary, document);
    run["status"] = complete ? "done" : "stopped";
    folder.write_run(run);
    return {{.complete = complete,
             .errors = run["counts"].value("error", 0L),
             .summary = document,
             .folder = out_},
            missing_};
  }

 private:
  void merge_runs_inside() {
    if (kind_.parts.empty()) return;
    std::set<fs::path> names;
    for (const auto& [index, part] : parts_)
      if (fs::is_directory(part.folder / kind_.parts))
        for (const auto& run : fs::directory_iterator(part.folder / kind_.parts))
          if (fs::exists(run.path() / "run.json")) names.insert(run.path().filename());
    for (const fs::path& name : names) {
      std::vector<fs::path> folders;
      for (const auto& [index, part] : parts_) folders.push_back(part.folder / kind_.parts / name);
      const fs::path inside = kind_.parts / name;
      make_folders(out_, inside / "run.json");
      Merger(out_ / inside, read_parts(folders, options_.partial), options_, observer_).run();
    }
  }

  void open_readers() {
    const std::vector<std::string> names = models_of(first_.run);
    std::vector<const fs::path*> folders;
    for (const auto& [index, part] : parts_) folders.push_back(&part.folder);
    readers_.resize(folders.size());
    for_each_in_parallel(folders.size(), cores_allowed(), [&](std::size_t i) {
      readers_[i] = std::make_unique<RunReader>(*folders[i], kind_, names);
    });
  }

  /// Throws UsageError where two shards have records of one image, or a shard that is done lacks some.
  std::vector<Place> images_in_order() {
    std::vector<Place> places;
    auto part = parts_.begin();
    for (const auto& reader : readers_) {
      const Json data = part->second.run.at("data");
      const bool one_each = kind_.key.size() == 1;
      const auto found = static_cast<long>(reader->images().size());
      require(!part->second.done() || !one_each || found == data.at("shard").at("images"),
              reader->folder().string(), " has records of ", found, " images, and not of ",
              to_text(data.at("shard").at("images")), "; run that shard again");
      for (std::size_t i = 0; i < reader->images().size(); ++i)
        places.push_back({reader->images()[i], reader.get(), i});
      ++part;
    }
    std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.image < b.image; });
    const auto twice = std::adjacent_find(places.begin(), places.end(),
                                          [](const Place& a, const Place& b) { return a.image == b.image; });
    if (twice != places.end())
      throw UsageError(cat(twice->reader->folder().string(), " and ", (twice + 1)->reader->folder().string(),
                           " both have records of ", twice->image));
    return places;
  }

  Json identity() const {
    Json identity = first_.run["identity"];
    identity.erase("shard");
    return identity;
  }

  /// A merge is replaced by another one; anything else where that is asked for.
  bool replaces() const {
    const fs::path file = out_ / "run.json";
    if (!fs::exists(file)) return options_.overwrite;
    const bool merged = read_run_json(out_).contains("merged");
    require(merged || options_.overwrite, out_.string(),
            " holds a run that is no merge; choose another 'out', or 'overwrite' to replace it");
    return true;
  }

  /// run.json, but for what comes of the records.
  Json whole_run() const {
    Json run = first_.run;
    run["status"] = "running";
    run["command"] = options_.command;
    run["data"].erase("shard");
    run["options"]["out"] = out_.string();
    const Json unshared = values_of(ShardOptions()).all;
    for (const auto& [key, value] : unshared.items()) run["options"][key] = value;
    const auto over_parts = [&](const char* field, auto combine) {
      for (auto part = std::next(parts_.begin()); part != parts_.end(); ++part)
        run[field] = combine(run[field], part->second.run.at(field));
    };
    const auto sum = [](const Json& a, const Json& b) {
      return a.is_number_float() ? Json(a.get<double>() + b.get<double>())
                                 : Json(a.get<long>() + b.get<long>());
    };
    for (const char* field : {"sessions", "forward", "backward", "seconds"}) over_parts(field, sum);
    over_parts("started", [](const Json& a, const Json& b) { return std::min(a, b); });
    over_parts("peak_memory_bytes", [](const Json& a, const Json& b) { return std::max(a, b); });
    run["ended"] = utc_now();
    Json shards = Json::array();
    for (const auto& [index, part] : parts_)
      shards.push_back({{"index", index},
                        {"path", part.folder.string()},
                        {"status", part.run["status"]},
                        {"host", field(part.run.value("platform", Json()), "host")},
                        {"started", part.run.value("started", Json())},
                        {"ended", part.run.value("ended", Json())},
                        {"seconds", part.run.value("seconds", Json())}});
    run["merged"] = {{"count", first_.count}, {"missing", missing_}, {"shards", shards}};
    return run;
  }

  bool take_records(const std::vector<Place>& places, RunFolder& folder, Summary& summary) {
    long done = 0;
    for (const Place& place : places) {
      place.reader->for_each_record(place.index, [&](const Json& record, const std::string& line) {
        folder.append(record, line);
        summary.add(record);
      });
      if (++done % 100 == 0 && !report("records", done, static_cast<long>(places.size()))) return false;
    }
    return report("records", done, done);
  }

  bool take_files() {
    long done = 0;
    for (const auto& [index, part] : parts_) {
      for (const std::string& path : kind_.paths) {
        if (!path.ends_with('/') || !fs::is_directory(part.folder / path)) continue;
        const bool rows = std::find(kind_.rows.begin(), kind_.rows.end(), path) != kind_.rows.end();
        for (const fs::path& file : files_below(part.folder / path)) {
          const fs::path name = file.lexically_relative(part.folder), target = out_ / name;
          make_folders(out_, name);
          if (rows)
            add_rows(file, target);
          else
            link_or_copy(file, target);
        }
      }
      if (!report("files of shards", ++done, static_cast<long>(parts_.size()))) return false;
    }
    return true;
  }

  bool report(std::string_view what, long done, long total) {
    return observer_.progress({.what = what, .done = done, .total = total});
  }

  Json partial(std::size_t images) const {
    return {{"shards", parts_.size()},
            {"of", first_.count},
            {"missing", missing_},
            {"images", images},
            {"of_images", first_.run.at("data").at("count")}};
  }

  const fs::path out_;
  const Parts parts_;
  const MergeOptions& options_;
  RunObserver& observer_;
  const Part& first_;
  const std::string missing_;
  const RunKind& kind_;
  std::vector<std::unique_ptr<RunReader>> readers_;
};

}  // namespace

void describe(OptionTable& table, MergeOptions& options) {
  table.group("Input");
  table.add("out", options.out, "Folder of the whole run, which is made")
      .with_effect(Effect::none)
      .without_flag();
  table.add("shards", options.shards, "Run folders of all shards, in any order")
      .with_effect(Effect::none)
      .without_flag();
  table.group("Merging");
  table
      .add(
          "missing", options.missing,
          "Write nothing: print the shards that are not there or not done as an array expression (3,7,12-15)")
      .with_effect(Effect::none);
  table.add("partial", options.partial, "Merge what is there, and say so in every summary")
      .with_effect(Effect::none);
  table.add("overwrite", options.overwrite, "Replace a run in 'out' that is no merge")
      .with_effect(Effect::none);
}

void MergeOptions::validate() const {
  require(!out.empty(), "'out' is needed: the folder of the whole run");
  require(!shards.empty(), "'shards' are needed: the run folders of all shards");
}

MergeResult merge_runs(const MergeOptions& options, RunObserver& observer) {
  options.validate();
  Parts parts = read_parts(options.shards, options.missing || options.partial);
  const Part& first = parts.begin()->second;
  require(kind_of(first.run["tool"].get<std::string>()) != nullptr, first.folder.string(), " holds a run of ",
          to_text(first.run["tool"]), ", which is not merged");
  const std::string missing = missing_of(parts);
  if (options.missing) return {{.complete = true, .folder = options.out}, missing};
  require(missing.empty() || options.partial, "shards ", missing, " of ", first.count, " are missing",
          why_missing(parts), ": run them, or merge what is there with 'partial'");
  MergeResult result = Merger(options.out, std::move(parts), options, observer).run();
  log::info("results: ", options.out.string());
  if (!result.missing.empty())
    log::warning("shards ", result.missing, " are missing: this is a part of the run");
  return result;
}

}  // namespace xai
