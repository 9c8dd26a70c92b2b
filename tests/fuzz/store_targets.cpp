#include <algorithm>
#include <climits>
#include <cstring>
#include <set>

#include "fixtures/cross_summaries.hpp"
#include "store/journal.hpp"
#include "targets.hpp"
#include "xai/core/file.hpp"
#include "xai/record/cross_gate.hpp"
#include "xai/record/kinds.hpp"
#include "xai/store/file_name.hpp"
#include "xai/store/finished_run.hpp"
#include "xai/store/npy.hpp"
#include "xai/store/run_folder.hpp"
#include "xai/store/run_info.hpp"

namespace xai::fuzz {
namespace {

namespace fs = std::filesystem;
using internal::Journal;

void open_journal(Bytes input) {
  const bool of_pairs = input.size() % 2 != 0;
  const Journal::Key fields = of_pairs ? Journal::Key{"image", "source", "model"} : Journal::Key{"image"};
  const auto file = write("journal/results.jsonl", text_of(input));
  const auto text = [](const Json& value) { return value.is_string() ? value.get<std::string>() : ""; };
  const auto key_of = [&](const Json& record) {
    Journal::Key key;
    for (const std::string& field : fields) key.push_back(text(record.value(field, Json())));
    return key;
  };
  accepted<IoError>([&] {
    const long looked_at = Journal(file, fields, RunAccess::look).size();
    property(read_file(file) == text_of(input), "who looks changes nothing");
    long records = 0;
    {
      const Journal journal(file, fields);
      records = journal.size();
      property(records <= looked_at, "records are dropped, and none are made up");
      const internal::Scanned scanned =
          internal::scan(file, [&](std::int64_t offset, const std::string&, const Json& record) {
            property(record.value("status", Json()) != "error", "errors are dropped");
            property(internal::record_at(file, offset) == record, "a record is found where it was");
          });
      property(scanned.end == static_cast<std::int64_t>(fs::file_size(file)), "what is torn is cut off");
      property(scanned.damaged == 0, "what is damaged is left out");
    }
    const std::string whole = read_file(file);
    Json record{{"image", "one more"}, {"source", "a"}, {"model", "b"}, {"status", "ok"}};
    {
      Journal journal(file, fields);
      property(journal.size() == records && read_file(file) == whole, "opening again changes nothing");
      if (journal.find(key_of(record)) != internal::RecordIndex::none) return;
      journal.append(record, to_text(record));
    }
    Journal journal(file, fields);
    property(journal.size() == records + 1, "an appended record is there");
    property(journal.record(journal.find(key_of(record))) == record, "and is the same");
    journal.finish({"one more"},
                   of_pairs ? std::vector<Journal::Key>{{"a", "b"}} : std::vector<Journal::Key>{{}});
    property(read_file(file) == to_text(record) + "\n", "the order is kept");
  });
}

const std::vector<const RunKind*>& kinds() {
  static const std::vector<const RunKind*> all{&mse_kind(), &subexp_kind(), &saliency_kind(),
                                               &crosstest_kind()};
  return all;
}

/// run.json, and behind a mark results.jsonl, of a run that somebody else made.
void open_run(Bytes input) {
  const auto [run, records] = parts(text_of(input), "\n=records=\n");
  const fs::path folder = write("runs/run/run.json", run).parent_path();
  write("runs/run/results.jsonl", records);
  write("runs/run/summary.json", R"({"schema_version": "2.0"})");
  for (const char* keep : {"runs/keep.png", "runs/run/mine.txt", "runs/run/images/mine.txt"})
    write(keep, "x");
  is_run_folder(folder);
  Json document = Json::parse(run, nullptr, false);
  for (const RunKind* kind : kinds()) {
    const bool finished = accepted<UsageError, IoError>([&] {
      const FinishedRun from(folder, *kind);
      if (from.record("a.jpg").is_object())
        property(from.record("a.jpg")["image"] == "a.jpg", "by its image");
    });
    if (!finished || !document.is_object()) continue;
    accepted<DataError>([&] { kind->summary(document); });
  }
  const RunKind& kind = *kinds()[input.size() % kinds().size()];
  const Json identity = document.is_object() && document.contains("identity") ? document["identity"] : Json();
  for (const bool overwrite : {false, true})
    accepted<UsageError, IoError, DataError>([&] {
      { const RunFolder looked(kind, folder, identity, overwrite, RunAccess::look); }
      RunFolder opened(kind, folder, identity, overwrite);
      RunInfo info{.kind = &kind};
      info.status = "done";
      opened.write_run(to_json(info, opened.previous_run()));
    });
  for (const char* kept : {"keep.png", "run/mine.txt", "run/images/mine.txt"})
    property(fs::exists(scratch() / "runs" / kept), "another's file is gone: ", kept);
  fs::remove_all(folder);
}

void read_gate(Bytes input) {
  static const Json summary = four_images().to_json();
  const auto file = write("gate/baseline.json", text_of(input));
  accepted<UsageError>([&] {
    const Json baseline = read_baseline(file, conditions(), {"a", "b", "c"});
    const GateReport report = compare(baseline, summary, 0.002);
    property(report.passed == report.document["moved"].empty(), "what moved fails");
    to_text(report.document);
  });
}

void read_array(Bytes input) {
  const auto file = write("npy/array.npy", text_of(input));
  FloatArray array;
  if (!accepted<DataError>([&] { array = read_npy(file); })) return;
  write("npy/array.npy", encode_npy(array.values, array.shape));  // throws where the shape does not fit
  const FloatArray again = read_npy(file);
  property(again.shape == array.shape, "the shape reads back");
  property(array.values.empty() || std::memcmp(again.values.data(), array.values.data(),
                                               array.values.size() * sizeof(float)) == 0,
           "the values read back");
}

/// Two names, a line each.
void name_files(Bytes input) {
  const auto [one, other] = parts(text_of(input), "\n");
  for (const std::string_view suffix : {".png", "/", ""}) {
    std::set<std::string> paths;
    for (const std::string_view name : {one, other}) {
      const std::string path = file_name_of(name, suffix);
      property(paths.insert(path).second || one == other, "another name, another file: ", path);
      const bool has_nul = name.find('\0') != name.npos;  // no file's name has one
      property(has_nul || stays_below(path), "a file stays in its folder: ", path);
      property(path.size() <= 1024 + NAME_MAX, "a path is not too long: ", path);
      for (const fs::path& part : fs::path(path + ".tmp"))
        property(part.native().size() <= NAME_MAX, "a name is not too long: ", part);
      property(path.ends_with(suffix), "the suffix is there");
    }
  }
}

}  // namespace

std::vector<Target> store_targets() {
  return {{"journal", open_journal},
          {"run", open_run},
          {"baseline", read_gate},
          {"npy", read_array},
          {"file_name", name_files}};
}

}  // namespace xai::fuzz
