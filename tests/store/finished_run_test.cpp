#include "xai/store/finished_run.hpp"

#include <gtest/gtest.h>

#include "temporary_folder.hpp"
#include "xai/core/file.hpp"
#include "xai/core/hash.hpp"
#include "xai/store/run_folder.hpp"
#include "xai/store/schema.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;

const RunKind kind{.tool = "xai-mse"};

void write_run(const fs::path& path, const Json& run, const Json& identity) {
  RunFolder folder(kind, path, identity);
  for (const char* image : {"a", "caf\xe9"})
    folder.append(Json{{"image", image}, {"status", "ok"}, {"p", 1.0 / 3}});
  folder.write_run(run);
}

std::string refusal(const fs::path& path) {
  try {
    FinishedRun(path, kind);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "opened";
}

TEST(FinishedRun, GivesRecordsByTheirImage) {
  const TemporaryFolder folder;
  write_run(folder / "run", {{"tool", "xai-mse"}, {"status", "done"}}, {{"tool", "xai-mse"}});
  write_file_atomically(folder / "run/summary.json", R"({"schema_version": "2.1", "images": 2})");
  const FinishedRun run(folder / "run", kind);
  EXPECT_EQ(run.record("a")["p"], 1.0 / 3);
  EXPECT_EQ(run.record("caf\xe9")["status"], "ok");
  EXPECT_TRUE(run.record("b").is_null());
  EXPECT_EQ(run.summary()["images"], 2);
  EXPECT_EQ(run.run()["identity"]["tool"], "xai-mse");
  EXPECT_EQ(run.records_sha256(), sha256(read_file(folder / "run/results.jsonl")));
}

TEST(FinishedRun, FindsEachOfManyImages) {
  const TemporaryFolder folder;
  const RunKind pairs{.tool = "xai-mse", .key = {"image", "source"}};
  {
    RunFolder run(pairs, folder.path(), {{"tool", "xai-mse"}});
    for (int i = 0; i < 500; ++i)
      for (const char* source : {"one", "two"})
        run.append(Json{{"image", std::to_string(i)}, {"source", source}, {"status", "ok"}, {"i", i}});
    run.write_run({{"tool", "xai-mse"}, {"status", "done"}});
    run.write_file("summary.json", R"({"schema_version": "2.0"})");
  }
  const FinishedRun run(folder.path(), pairs);
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(run.record(std::to_string(i))["i"], i);
    EXPECT_EQ(run.record(std::to_string(i))["source"], "one");
  }
  EXPECT_TRUE(run.record("500").is_null());
}

TEST(FinishedRun, RefusesAnotherSchemaAndSaysHowToMakeTheRunAnew) {
  const TemporaryFolder folder;
  const Json command = {"xai-mse", "--model", "a b.pt", "--out", "it's"};
  write_run(folder / "run", {{"tool", "xai-mse"}, {"status", "done"}, {"command", command}}, Json::object());
  const auto become = [&](const char* name, const Json& version) {
    Json document = Json::parse(read_file(folder / "run/run.json"));
    document["schema_version"] = version;
    write_file_atomically(folder / "run" / name, to_text(document));
  };
  become("summary.json", "2.0");
  EXPECT_EQ(refusal(folder / "run"), "opened");
  const std::string remake =
      R"(; make it anew: xai-mse --model 'a b.pt' --out 'it'\''s' --overwrite (or with another 'out'))";
  become("summary.json", "3.0");
  EXPECT_EQ(refusal(folder / "run"), cat((folder / "run/summary.json").string(),
                                         " has schema version \"3.0\", and this is 2.0", remake));
  become("run.json", "1.0");
  EXPECT_EQ(refusal(folder / "run"),
            cat((folder / "run/run.json").string(), " has schema version \"1.0\", and this is 2.0", remake));
  become("run.json", nullptr);
  EXPECT_NE(refusal(folder / "run").find(" has schema version 1 or older, and this is 2.0"),
            std::string::npos);
  EXPECT_EQ(remaking_command(Json::object()), "run its command again with 'overwrite' or another 'out'");
  EXPECT_EQ(remaking_command({{"command", {"xai-mse", "--overwrite"}}}),
            "xai-mse --overwrite (or with another 'out')");
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
