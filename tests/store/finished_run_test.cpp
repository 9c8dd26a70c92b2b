#include "xai/store/finished_run.hpp"

#include <gtest/gtest.h>

#include "temporary_folder.hpp"
#include "xai/core/file.hpp"
#include "xai/core/hash.hpp"
#include "xai/record/sub_explanation_table.hpp"
#include "xai/store/run_folder.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;

void write_run(const fs::path& path, const Json& run, const Json& identity) {
  RunFolder folder(path, identity);
  for (const char* image : {"a", "caf\xe9"})
    folder.append(Json{{"image", image}, {"status", "ok"}, {"p", 1.0 / 3}});
  folder.write_run(run);
}

std::string refusal(const fs::path& path) {
  try {
    FinishedRun(path, "xai-mse");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "opened";
}

TEST(FinishedRun, GivesRecordsByTheirImage) {
  const TemporaryFolder folder;
  write_run(folder / "run", {{"tool", "xai-mse"}, {"status", "done"}}, {{"tool", "xai-mse"}});
  write_file_atomically(folder / "run/summary.json", "{\"images\": 2}");
  const FinishedRun run(folder / "run", "xai-mse");
  EXPECT_EQ(run.record("a")["p"], 1.0 / 3);
  EXPECT_EQ(run.record("caf\xe9")["status"], "ok");
  EXPECT_TRUE(run.record("b").is_null());
  EXPECT_EQ(run.summary()["images"], 2);
  EXPECT_EQ(run.run()["identity"]["tool"], "xai-mse");
  EXPECT_EQ(run.records_sha256(), sha256(read_file(folder / "run/results.jsonl")));
}

TEST(FinishedRun, RefusesWhatIsNone) {
  const TemporaryFolder folder;
  const auto names = [](const std::string& message, const std::string& words) {
    EXPECT_NE(message.find(words), std::string::npos) << message;
  };
  names(refusal(folder / "none"), "not the folder of a finished run");
  write_run(folder / "run", {{"tool", "xai-mse"}, {"status", "done"}}, {{"tool", "xai-mse"}});
  names(refusal(folder / "run"), "summary.json");
  write_run(folder / "other", {{"tool", "xai-x"}, {"status", "done"}}, {{"tool", "xai-x"}});
  names(refusal(folder / "other"), "\"xai-x\", not of xai-mse");
  write_run(folder / "stopped", {{"tool", "xai-mse"}, {"status", "stopped"}}, {{"tool", "xai-mse"}});
  names(refusal(folder / "stopped"), "\"stopped\"; run it to its end");
  write_file_atomically(folder / "run/run.json", "{");
  names(refusal(folder / "run"), "is not JSON");
}

}  // namespace
}  // namespace xai
