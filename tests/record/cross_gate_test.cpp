#include "xai/record/cross_gate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fixtures/cross_summaries.hpp"
#include "temporary_folder.hpp"
#include "xai/core/error.hpp"
#include "xai/core/file.hpp"

namespace xai {
namespace {

class Gate : public testing::Test {
 protected:
  Gate() {
    CrossSummary labelled = four_images();
    labelled.set_ensembles(seven_sets());
    summary = labelled.to_json();
  }

  GateReport report(const Json& now, double tolerance = 0.002) const {
    return compare(gate_baseline(summary, conditions(), "0.1.0"), now, tolerance);
  }

  /// The message of the UsageError that `action` throws.
  template <class Action>
  static std::string refusal(const Action& action) {
    try {
      action();
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  }

  Json summary;
};

TEST_F(Gate, BaselineKeepsWhatARunFound) {
  const Json baseline = gate_baseline(summary, conditions(), "0.1.0");
  EXPECT_EQ(baseline["kind"], "xai-crosstest-baseline");
  EXPECT_EQ(baseline["conditions"], conditions());
  EXPECT_EQ(baseline["images"], 4);
  EXPECT_EQ(baseline["models"][1], (Json{{"name", "b"},
                                         {"sha256", std::string(64, 'b')},
                                         {"top1", {{"n", 100}, {"count", 50}, {"share", 0.5}}}}));
  EXPECT_EQ(baseline["cells"].size(), 9U);
  EXPECT_EQ(baseline["cells"][2],
            (Json{{"source", "a"}, {"model", "c"}, {"n", 2}, {"undefined", 1}, {"auc", 0.5}}));
}

TEST_F(Gate, EqualRunsPass) {
  for (const double tolerance : {0.0, 0.002}) EXPECT_TRUE(report(summary, tolerance).passed);
  EXPECT_EQ(report(summary).table,
            "21 of 21 values are within 0.002; the largest move is +0.00000, of auc a -> a\n");
}

TEST_F(Gate, ACellMayMoveByTheToleranceAndNoMore) {
  for (const double sign : {-1.0, 1.0})
    for (const auto& [move, passes] :
         {std::pair{0.0019, true}, {0.002, true}, {0.00201, false}, {0.3, false}}) {
      Json now = summary;
      now["matrix"][2]["mean"] = 0.5 + sign * move;  // 0.502 - 0.5 is above 0.002 in doubles
      EXPECT_EQ(report(now).passed, passes) << sign * move;
      now["matrix"][2]["mean"] = 0.5;
      now["matrix"][7]["mean"] = 0.5 + sign * move;
      EXPECT_EQ(report(now).passed, passes) << sign * move;
    }
}

TEST_F(Gate, TableListsWhatMoved) {
  Json now = summary;
  now["matrix"][2]["mean"] = 0.49;
  now["matrix"][6]["mean"] = 0.501;
  now["matrix"][7]["mean"] = 0.525;
  now["models"][0]["sha256"] = std::string(64, 'f');
  EXPECT_EQ(report(now).table,
            "what        baseline      now  difference\n"
            "auc a -> c   0.50000  0.49000    -0.01000\n"
            "auc c -> b   0.50000  0.52500    +0.02500\n"
            "19 of 21 values are within 0.002; the largest move is +0.02500, of auc c -> b\n"
            "model a has other weights than in the baseline\n");
  EXPECT_TRUE(report(now, 0.025).passed);
}

TEST_F(Gate, OtherWeightsAloneAreNoFailure) {
  Json now = summary;
  now["models"][2]["sha256"] = std::string(64, 'f');
  EXPECT_TRUE(report(now).passed);
  EXPECT_NE(report(now).table.find("model c has other weights than in the baseline"), std::string::npos);
}

TEST_F(Gate, ACellWithoutAValueOnOneSideMoved) {
  Json without = summary;
  without["matrix"][2]["mean"] = nullptr;
  const GateReport lost = report(without, 1);
  EXPECT_FALSE(lost.passed);
  EXPECT_NE(lost.table.find("auc a -> c   0.50000    -           -\n"), std::string::npos) << lost.table;
  const Json baseline = gate_baseline(without, conditions(), "0.1.0");
  EXPECT_FALSE(compare(baseline, summary, 1).passed);
  EXPECT_TRUE(compare(baseline, without, 0).passed);
}

TEST_F(Gate, SharesOfUndefinedImagesAndTopOneMayMoveAsMuch) {
  Json now = summary;
  now["matrix"][4]["undefined"] = 1;  // of 4 images
  EXPECT_FALSE(report(now, 0.2499).passed);
  EXPECT_TRUE(report(now, 0.25).passed);
  EXPECT_NE(report(now).table.find("undefined b -> b   0.00000  0.25000    +0.25000\n"), std::string::npos);

  now = summary;
  now["models"][1]["top1"] = {{"n", 100}, {"count", 49}, {"share", 0.49}};
  EXPECT_FALSE(report(now, 0.0099).passed);
  EXPECT_TRUE(report(now, 0.01).passed);
  EXPECT_NE(report(now).table.find("top-1 b   0.50000  0.49000    -0.01000\n"), std::string::npos);
  now["models"][1]["top1"] = nullptr;
  EXPECT_FALSE(report(now, 1).passed);
}

TEST_F(Gate, TheOrderOfModelsDoesNotMatter) {
  Json now = summary;
  std::reverse(now["models"].begin(), now["models"].end());
  std::reverse(now["matrix"].begin(), now["matrix"].end());
  EXPECT_TRUE(report(now, 0).passed);
}

const std::vector<std::string> models = {"a", "b", "c"};

TEST_F(Gate, RefusesOtherConditions) {
  const TemporaryFolder folder;
  const auto file = folder / "baseline.json";
  write_file_atomically(file, to_text(gate_baseline(summary, conditions(), "0.1.0")));
  Json other = conditions();
  other["min_gap"] = 0.125;
  EXPECT_EQ(refusal([&] { read_baseline(file, other, models); }),
            cat("the baseline ", file.string(),
                " is of other conditions: min_gap is 0.05 there and 0.125 here; run under its conditions, or "
                "write a new baseline"));
  other = conditions();
  other["data"]["count"] = 6;
  EXPECT_NE(refusal([&] { read_baseline(file, other, models); }).find("data.count is 5 there and 6 here"),
            std::string::npos);
  other = conditions();
  other.erase("class");
  EXPECT_NE(
      refusal([&] { read_baseline(file, other, models); }).find("class is \"label\" there and not set here"),
      std::string::npos);
}

TEST_F(Gate, RefusesOtherModels) {
  const TemporaryFolder folder;
  const auto file = folder / "baseline.json";
  const Json baseline = gate_baseline(summary, conditions(), "0.1.0");
  write_file_atomically(file, to_text(baseline));
  EXPECT_EQ(refusal([&] { read_baseline(file, conditions(), {"c", "a", "b"}); }), "accepted");
  EXPECT_EQ(refusal([&] {
              read_baseline(file, conditions(), {"a", "b"});
            }),
            cat("model c is in the baseline ", file.string(), " and not in this run"));
  EXPECT_EQ(refusal([&] {
              read_baseline(file, conditions(), {"a", "b", "c", "d"});
            }),
            cat("model d is in this run and not in the baseline ", file.string()));
  for (const double tolerance : {-0.1, std::nan(""), HUGE_VAL})
    EXPECT_THROW(compare(baseline, summary, tolerance), UsageError);
}

TEST_F(Gate, ReadsItsOwnFilesOnly) {
  const TemporaryFolder folder;
  const Json baseline = gate_baseline(summary, conditions(), "0.1.0");
  const auto reading = [&](const std::string& content) {
    write_file_atomically(folder / "baseline.json", content);
    return refusal(
        [&] { EXPECT_EQ(read_baseline(folder / "baseline.json", conditions(), models), baseline); });
  };
  const auto says = [&](const std::string& content, const std::string& what) {
    const auto message = reading(content);
    EXPECT_NE(message.find(what), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  };
  EXPECT_EQ(reading(to_text(baseline, 2)), "accepted");
  EXPECT_NE(refusal([&] { read_baseline(folder / "none.json", conditions(), models); }).find("no baseline "),
            std::string::npos);
  EXPECT_NE(refusal([&] { read_baseline(folder.path(), conditions(), models); }).find("no baseline "),
            std::string::npos);
  says("{", "is not JSON");
  says("[1]", "is not a baseline of xai-crosstest");
  says(to_text(summary), "is not a baseline of xai-crosstest");
  Json changed = baseline;
  changed["schema_version"] = "2.7";  // adds fields only
  write_file_atomically(folder / "baseline.json", to_text(changed));
  EXPECT_EQ(read_baseline(folder / "baseline.json", conditions(), models), changed);
  for (const char* other : {"1.0", "3.0"}) {
    changed["schema_version"] = other;
    says(to_text(changed), cat("baseline.json has schema version \"", other, "\", and this is 2.0"));
    says(to_text(changed), cat("xai-crosstest ... --write-baseline ", (folder / "baseline.json").string()));
  }
  changed = baseline;
  for (const char* field : {"conditions", "images", "models", "cells"}) {
    changed = baseline;
    changed.erase(field);
    says(to_text(changed), "is a damaged baseline");
  }
  changed = baseline;
  changed["cells"].erase(4);
  says(to_text(changed), "is a damaged baseline");
  changed = baseline;
  changed["cells"][4]["auc"] = "high";
  says(to_text(changed), "is a damaged baseline");
  changed = baseline;
  changed["models"][0].erase("sha256");
  says(to_text(changed), "is a damaged baseline");
  changed = baseline;
  changed["cells"].push_back(changed["cells"][0]);
  changed["cells"].back()["source"] = "d";
  says(to_text(changed), "is a damaged baseline: a cell of \"d\"");
  says(std::string(1 << 20, '['), "is not JSON");
}

}  // namespace
}  // namespace xai
