#include "xai/store/run_info.hpp"

#include <gtest/gtest.h>

#include "xai/core/error.hpp"

namespace xai {
namespace {

const RunKind kind{.tool = "xai-mse", .statuses = {"ok", "skipped", "error", "baseline-sufficient"}};

TEST(RunInfo, AddsUpTheSessionsOfARun) {
  RunInfo first{.kind = &kind};
  first.started = "2026-01-01T00:00:00Z";
  first.status = "stopped";
  first.forward = 100;
  first.seconds = 10;
  Json earlier = to_json(first);
  earlier["peak_memory_bytes"] = std::int64_t{1} << 50;

  RunInfo second{.kind = &kind};
  second.forward = 50;
  second.backward = 7;
  second.seconds = 2.5;
  const Json whole = to_json(second, earlier);
  EXPECT_EQ(whole["started"], "2026-01-01T00:00:00Z");
  EXPECT_EQ(whole["sessions"], 2);
  EXPECT_EQ(whole["forward"], 150);
  EXPECT_EQ(whole["backward"], 7);
  EXPECT_EQ(whole["seconds"], 12.5);
  EXPECT_EQ(whole["peak_memory_bytes"], std::int64_t{1} << 50);
  EXPECT_TRUE(whole["ended"].is_null());
  EXPECT_EQ(whole["counts"], (Json{{"ok", 0}, {"skipped", 0}, {"error", 0}, {"baseline-sufficient", 0}}));
}

TEST(RunInfo, CountsEveryStatusOfItsKind) {
  RunInfo run{.kind = &kind, .class_names = {"tench", "goldfish"}};
  run.counts = {{"ok", 3}};
  EXPECT_EQ(to_json(run)["counts"],
            (Json{{"ok", 3}, {"skipped", 0}, {"error", 0}, {"baseline-sufficient", 0}}));
  const RunKind other{.tool = "xai-crosstest", .statuses = {"ok", "undefined"}};
  run.kind = &other;
  const Json whole = to_json(run);
  EXPECT_EQ(whole["counts"], (Json{{"ok", 3}, {"undefined", 0}}));
  EXPECT_EQ(whole["tool"], "xai-crosstest");
  EXPECT_EQ(whole["schema_version"], "2.0");
  EXPECT_EQ(whole["class_names"], (Json{"tench", "goldfish"}));
  run.class_names.clear();
  EXPECT_TRUE(to_json(run)["class_names"].is_null());
  EXPECT_THROW(to_json(RunInfo()), Error);
}

TEST(RunInfo, StartsAfreshWhereTheSessionBeforeWasKilledAtOnce) {
  const Json whole =
      to_json(RunInfo{.kind = &kind}, Json{{"status", "running"}, {"identity", Json::object()}});
  EXPECT_EQ(whole["sessions"], 1);
  EXPECT_EQ(whole["forward"], 0);
  EXPECT_GT(whole["peak_memory_bytes"], 1 << 20);
}

}  // namespace
}  // namespace xai
