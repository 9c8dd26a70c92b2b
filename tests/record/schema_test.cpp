#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <tuple>

#include "fixtures/counted_records.hpp"
#include "fixtures/cross_records.hpp"
#include "fixtures/cross_summaries.hpp"
#include "fixtures/records.hpp"
#include "fixtures/saliency_records.hpp"
#include "temporary_folder.hpp"
#include "xai/core/file.hpp"
#include "xai/core/hash.hpp"
#include "xai/record/cross_gate.hpp"
#include "xai/record/sub_explanation_summary.hpp"
#include "xai/record/summary.hpp"
#include "xai/store/run_folder.hpp"
#include "xai/store/run_info.hpp"

namespace xai {
namespace {

/// Validates JSON documents, one a line, against docs/schema/<name>.schema.json with Python's jsonschema.
class Schema : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(python)) GTEST_SKIP() << python << " is absent; run scripts/setup.sh";
  }

  bool accepts(const std::string& name, const std::string& lines) const {
    write_file_atomically(folder / "documents", lines);
    write_file_atomically(folder / "validate.py",
                          "import json, sys, jsonschema\n"
                          "schema = json.load(open(sys.argv[1]))\n"
                          "jsonschema.Draft202012Validator.check_schema(schema)\n"
                          "for line in open(sys.argv[2]):\n"
                          "  jsonschema.Draft202012Validator(schema).validate(json.loads(line))\n");
    const auto command = cat("'", python, "' '", (folder / "validate.py").string(), "' '", XAI_SOURCE_DIR,
                             "/docs/schema/", name, ".schema.json' '", (folder / "documents").string(),
                             "' 2>'", (folder / "message").string(), "'");
    const bool valid = std::system(command.c_str()) == 0;
    message = read_file(folder / "message");
    return valid;
  }

  const std::string python = XAI_SOURCE_DIR "/.venv/bin/python";
  const TemporaryFolder folder;
  mutable std::string message;
};

TEST_F(Schema, AcceptsEveryKindOfRecord) {
  std::string lines;
  for (const Json& record : records_of_every_kind()) lines += to_text(record) + "\n";
  EXPECT_TRUE(accepts("mse-record", lines)) << message;
}

TEST_F(Schema, RefusesRecordsThatAreNotAsSpecified) {
  for (const auto& [field, value] : {std::pair("p_full", Json()),
                                     {"found", Json()},
                                     {"status", Json("fine")},
                                     {"content", Json("abc")},
                                     {"reason", Json("why")},
                                     {"p_baseline", Json(1.5)}}) {
    Json record = ok_record();
    record[field] = value;
    EXPECT_FALSE(accepts("mse-record", to_text(record))) << field;
    EXPECT_NE(message.find("ValidationError"), std::string::npos) << message;
  }
}

TEST_F(Schema, AcceptsSubExplanationsAndTheirSummaries) {
  SubExplanationSummary summary(1);
  const std::string none = to_text(summary.to_json()) + "\n";
  std::string lines;
  for (const Json& record : counted_records_of_every_kind()) {
    lines += to_text(record) + "\n";
    summary.add(record);
  }
  EXPECT_TRUE(accepts("subexp-record", lines)) << message;
  EXPECT_TRUE(accepts("subexp-summary", none + to_text(summary.to_json()) + "\n")) << message;
  for (const auto& [field, value] :
       {std::pair("distinct", Json(-1)), {"tree_nodes", Json("12")}, {"estimate", Json(3)}}) {
    Json record = counted_records_of_every_kind()[0];
    record["sub_explanations"][field] = value;
    EXPECT_FALSE(accepts("subexp-record", to_text(record))) << field;
  }
}

TEST_F(Schema, AcceptsRunsFromStartToEnd) {
  RunInfo info;
  info.kind = &mse_kind();
  info.tool_version = "0.1.0";
  info.command = {"xai-mse", "--model", "m.pt"};
  info.options = {{"grid", 7}};
  info.model = {{"path", "m.pt"}, {"sha256", sha256("m")}, {"card", {{"name", "m"}}}};
  info.data = {{"path", "photos"}, {"layout", "flat"}, {"count", 4}, {"sha256", sha256("d")}};
  info.platform = {{"host", "h"}, {"libtorch", "2.11.0"}, {"cuda", false}, {"device", "cpu"}, {"threads", 2}};
  RunFolder run(mse_kind(), folder / "run", Json{{"tool", "xai-mse"}});
  run.write_run(to_json(info));
  std::string lines = to_text(Json::parse(read_file(folder / "run/run.json"))) + "\n";
  info.status = "done";
  info.git_commit = "f5efcf0";
  info.counts = {{"ok", 4}};
  info.class_names = {"tench", "goldfish"};
  run.write_run(to_json(info));
  lines += to_text(Json::parse(read_file(folder / "run/run.json"))) + "\n";
  EXPECT_TRUE(accepts("run", lines)) << message;

  for (const RunKind* kind : {&mse_kind(), &subexp_kind(), &saliency_kind(), &crosstest_kind()}) {
    info.kind = kind;
    info.counts.clear();
    Json document = to_json(info);
    document["paths"] = kind->paths;
    document["identity"] = Json::object();
    EXPECT_TRUE(accepts("run", to_text(document))) << message;
    for (const auto& [field, value] : {std::pair("schema_version", Json("1.0")),
                                       {"class_names", Json("tench")},
                                       {"paths", Json{1}},
                                       {"counts", Json{{"ok", 1}}}}) {
      Json changed = document;
      changed[field] = value;
      EXPECT_FALSE(accepts("run", to_text(changed))) << field;
    }
    document["counts"]["lost"] = 0;
    EXPECT_FALSE(accepts("run", to_text(document)));
  }
}

/// `json`, the field `name` of another, with a field more in every object but those whose keys are data.
Json with_more_fields(const Json& json, const std::string& name = "") {
  const std::set<std::string> keyed_by_data = {
      "statuses",     "skip_reasons",      "stop_reasons", "certificates", "by_size",
      "mses_by_size", "undefined_reasons", "pairs",        "quantities",   "objective"};
  Json result = json;
  for (const auto& [key, value] : json.items())
    if (value.is_object())
      result[key] = with_more_fields(value, key);
    else if (value.is_array())
      for (std::size_t i = 0; i < value.size(); ++i)
        if (value[i].is_object()) result[key][i] = with_more_fields(value[i]);
  if (!keyed_by_data.contains(name)) result["a_field_of_tomorrow"] = "text";
  return result;
}

TEST_F(Schema, AcceptsFieldsThatItDoesNotKnow) {
  MseSummary mses(1);
  SubExplanationSummary counted(1);
  SaliencySummary maps({}, 1);
  CrossSummary pairs = four_images();
  pairs.set_ensembles(seven_sets());
  for (const Json& record : records_of_every_kind()) mses.add(record);
  for (const Json& record : counted_records_of_every_kind()) counted.add(record);
  for (const Json& record : saliency_records()) maps.add(record);
  for (const auto& [schema, document] : std::vector<std::pair<std::string, Json>>{
           {"mse-record", ok_record()},
           {"subexp-record", counted_records_of_every_kind()[0]},
           {"saliency-record", saliency_records()[0]},
           {"crosstest-record", cross_records()[0]},
           {"crosstest-record", cross_records()[5]},
           {"summary", mses.to_json()},
           {"subexp-summary", counted.to_json()},
           {"saliency-summary", maps.to_json()},
           {"crosstest-summary", pairs.to_json()},
           {"crosstest-sets-summary", shown_images().to_json()},
           {"crosstest-baseline", gate_baseline(pairs.to_json(), conditions(), "0.1.0")}})
    EXPECT_TRUE(accepts(schema, to_text(with_more_fields(document)))) << schema << message;
}

TEST_F(Schema, AcceptsSummariesFullAndEmpty) {
  MseSummary summary(1);
  std::string lines = to_text(summary.to_json()) + "\n";
  for (const Json& record : records_of_every_kind()) summary.add(record);
  EXPECT_TRUE(accepts("summary", lines + to_text(summary.to_json()) + "\n")) << message;
}

TEST_F(Schema, AcceptsEveryKindOfSaliencyRecord) {
  std::string lines;
  for (const Json& record : saliency_records()) lines += to_text(record) + "\n";
  EXPECT_TRUE(accepts("saliency-record", lines)) << message;
}

TEST_F(Schema, RefusesSaliencyRecordsThatAreNotAsSpecified) {
  for (const auto& [field, value] : {std::pair("insertion", Json()),
                                     {"insertion", Json{{"auc", nullptr}, {"curve", {0, 1}}}},
                                     {"undefined", Json("gap")},
                                     {"map", Json()},
                                     {"method", Json("guess")},
                                     {"reason", Json("why")},
                                     {"objective", Json{{"total", {nullptr}}}}}) {
    Json record = saliency_record(explained_image, {}, explained());
    record[field] = value;
    EXPECT_FALSE(accepts("saliency-record", to_text(record))) << field;
    EXPECT_NE(message.find("ValidationError"), std::string::npos) << message;
  }
}

TEST_F(Schema, AcceptsSaliencySummariesFullAndEmpty) {
  SaliencySummary summary({}, 1);
  std::string lines = to_text(summary.to_json()) + "\n";
  for (const Json& record : saliency_records()) summary.add(record);
  EXPECT_TRUE(accepts("saliency-summary", lines + to_text(summary.to_json()) + "\n")) << message;
}

TEST_F(Schema, AcceptsEveryKindOfCrossRecord) {
  std::string lines;
  for (const Json& record : cross_records()) lines += to_text(record) + "\n";
  EXPECT_TRUE(accepts("crosstest-record", lines)) << message;
}

TEST_F(Schema, RefusesCrossRecordsThatAreNotAsSpecified) {
  const auto records = cross_records();
  for (const auto& [kind, field, value] : {std::tuple(0, "auc", Json()),
                                           {0, "curve", Json::array()},
                                           {0, "curve", Json{0.5, 1}},
                                           {0, "reason", Json("gap")},
                                           {0, "outside", Json(1.5)},
                                           {0, "target", Json()},
                                           {0, "picture", Json("a.png")},
                                           {1, "reason", Json("why")},
                                           {1, "p_baseline", Json()},
                                           {1, "auc", Json(0.5)},
                                           {2, "curve", Json{0, 1}},
                                           {4, "reason", Json()},
                                           {4, "status", Json("skipped")},
                                           {0, "sets", Json::object()},
                                           {5, "sets", Json()},
                                           {5, "auc", Json(0.5)},
                                           {6, "sets", Json::object()}}) {
    Json record = records[kind];
    record[field] = value;
    EXPECT_FALSE(accepts("crosstest-record", to_text(record))) << kind << " " << field;
    EXPECT_NE(message.find("ValidationError"), std::string::npos) << message;
  }
}

TEST_F(Schema, AcceptsCrossSummariesFullAndEmpty) {
  CrossSummary full = four_images();
  full.set_ensembles(seven_sets());
  CrossSummary unevaluated = four_images(ImagesRule::pairwise);
  Ensembles sets = seven_sets();
  sets.images = 0;
  for (Ensemble& set : sets.sets) set.top1 = set.top5 = 0;
  unevaluated.set_ensembles(sets);
  std::string lines;
  for (const CrossSummary& summary :
       {full, unevaluated, four_images(), CrossSummary(three_models(), {.seed = 1})})
    lines += to_text(summary.to_json()) + "\n";
  EXPECT_TRUE(accepts("crosstest-summary", lines)) << message;

  const Json summary = full.to_json();
  for (const auto& [field, value] : {std::pair("landscape", Json()),
                                     {"landscape_reason", Json("why")},
                                     {"images_rule", Json("some")},
                                     {"matrix", Json::array({Json::object()})},
                                     {"quantities", Json{{"auc a -> b", nullptr}}}}) {
    Json changed = summary;
    changed[field] = value;
    EXPECT_FALSE(accepts("crosstest-summary", to_text(changed))) << field;
  }
}

TEST_F(Schema, AcceptsSummariesOfShownSetsFullAndEmpty) {
  ShownSummary full = shown_images();
  full.set_ensembles(seven_sets());
  const Json summary = full.to_json();
  EXPECT_TRUE(accepts("crosstest-sets-summary",
                      to_text(summary) + "\n" + to_text(shown_images(/*labelled=*/false).to_json()) + "\n" +
                          to_text(ShownSummary(three_models(), {}).to_json()) + "\n"))
      << message;
  for (const auto& [field, value] : {std::pair("shows", Json("maps")),
                                     {"matrix", Json::array({Json::object()})},
                                     {"undefined_reasons", Json{{"no-map", 1}}},
                                     {"quantities", Json{{"auc a -> b", nullptr}}}}) {
    Json changed = summary;
    changed[field] = value;
    EXPECT_FALSE(accepts("crosstest-sets-summary", to_text(changed))) << field;
  }
}

TEST_F(Schema, AcceptsBaselinesOfRunsWithLabelsAndWithout) {
  CrossSummary labelled = four_images();
  labelled.set_ensembles(seven_sets());
  std::string lines;
  for (const CrossSummary& summary : {labelled, four_images(), CrossSummary(three_models(), {.seed = 1})})
    lines += to_text(gate_baseline(summary.to_json(), conditions(), "0.1.0")) + "\n";
  EXPECT_TRUE(accepts("crosstest-baseline", lines)) << message;

  Json changed = gate_baseline(labelled.to_json(), conditions(), "0.1.0");
  changed["conditions"].erase("steps");
  EXPECT_FALSE(accepts("crosstest-baseline", to_text(changed)));
}

}  // namespace
}  // namespace xai
