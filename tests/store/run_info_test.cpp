#include "xai/store/run_info.hpp"

#include <gtest/gtest.h>

namespace xai {
namespace {

TEST(RunInfo, AddsUpTheSessionsOfARun) {
  RunInfo first;
  first.started = "2026-01-01T00:00:00Z";
  first.status = "stopped";
  first.forward = 100;
  first.seconds = 10;
  Json earlier = to_json(first);
  earlier["peak_memory_bytes"] = std::int64_t{1} << 50;

  RunInfo second;
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

TEST(RunInfo, StartsAfreshWhereTheSessionBeforeWasKilledAtOnce) {
  const Json whole = to_json(RunInfo(), Json{{"status", "running"}, {"identity", Json::object()}});
  EXPECT_EQ(whole["sessions"], 1);
  EXPECT_EQ(whole["forward"], 0);
  EXPECT_GT(whole["peak_memory_bytes"], 1 << 20);
}

}  // namespace
}  // namespace xai
