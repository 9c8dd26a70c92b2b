#include "xai/store/run_folder.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <set>

#include "small_disk.hpp"
#include "temporary_folder.hpp"
#include "xai/core/file.hpp"
#include "xai/core/interrupt.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;

const Json identity = {{"tool", "xai-mse"}, {"model", "abc"}, {"options", {{"grid", 7}, {"threshold", 0.9}}}};

const RunKind kind{.tool = "xai-mse", .paths = {"images/", "table.csv"}};

Json record(const std::string& image, const std::string& status = "ok") {
  return Json{{"image", image}, {"status", status}, {"p", 1.0 / 3}};
}

std::vector<std::string> images(const RunFolder& run) {
  std::vector<std::string> result;
  run.for_each_record([&](const Json& r) { result.push_back(r["image"]); });
  return result;
}

/// The message of the E that opening throws.
template <class E>
std::string refusal(const fs::path& path, const Json& with = identity, bool overwrite = false) {
  try {
    RunFolder(kind, path, with, overwrite);
  } catch (const E& error) {
    return error.what();
  }
  return "opened";
}

void append_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app) << bytes;
}

TEST(RunFolder, RecordsOutliveTheSessionAndEndInDataSetOrder) {
  const TemporaryFolder folder;
  {
    RunFolder run(kind, folder / "new/run", identity);
    EXPECT_TRUE(run.previous_run().is_null());
    run.append(record("b"));
    run.append(record("caf\xe9"));  // not UTF-8
    run.write_run(Json{{"status", "stopped"}, {"tuning", 5}});
  }
  RunFolder run(kind, folder / "new/run", identity);
  EXPECT_EQ(run.previous_run()["tuning"], 5);
  EXPECT_EQ(run.previous_run()["identity"], identity);
  EXPECT_TRUE(run.done({"b"}));
  EXPECT_TRUE(run.done({"caf\xe9"}));
  EXPECT_FALSE(run.done({"a"}));
  EXPECT_THROW(run.append(record("b")), Error);
  run.append(record("a"));
  run.append(record("c", "error"));
  EXPECT_EQ(run.done_count(), 4);
  run.finish({"a", "b", "c", "caf\xe9", "not reached"});
  const std::vector<std::string> order = {"a", "b", "c", "caf\xEF\xBF\xBD"};
  EXPECT_EQ(images(run), order);
  run.append(record("d"));  // the journal goes on behind the rewritten records
  run.finish({"d", "a"});
  EXPECT_EQ(read_file(folder / "new/run/results.jsonl"),
            to_text(record("d")) + "\n" + to_text(record("a")) + "\n");
}

TEST(RunFolder, SeveralFieldsCanMakeTheKey) {
  const TemporaryFolder folder;
  const RunKind pairs{.key = {"image", "source"}};
  const auto pair = [](const char* image, const char* source) {
    return Json{{"image", image}, {"source", source}, {"status", "ok"}};
  };
  {
    RunFolder run(pairs, folder.path(), identity);
    run.append(pair("b", "one"));
    run.append(pair("a", "two"));
    run.append(pair("a", "one"));
    EXPECT_THROW(run.append(pair("a", "two")), Error);
  }
  RunFolder run(pairs, folder.path(), identity);
  EXPECT_TRUE(run.done({"a", "one"}));
  EXPECT_FALSE(run.done({"b", "two"}));
  run.finish({"a", "b"}, {{"one"}, {"two"}});
  EXPECT_EQ(images(run), (std::vector<std::string>{"a", "a", "b"}));
}

TEST(RunFolder, ImagesThatFailedAreTriedAgain) {
  const TemporaryFolder folder;
  {
    RunFolder run(kind, folder.path(), identity);
    for (const char* image : {"a", "b", "c"}) run.append(record(image, image[0] == 'b' ? "error" : "ok"));
  }
  RunFolder run(kind, folder.path(), identity);
  EXPECT_FALSE(run.done({"b"}));
  run.append(record("b"));
  EXPECT_EQ(images(run), (std::vector<std::string>{"a", "c", "b"}));
}

TEST(RunFolder, RefusesAnotherRunNamingTheDifferenceAndTheRemedies) {
  const TemporaryFolder folder;
  { RunFolder(kind, folder.path(), identity).append(record("a")); }
  Json other = identity;
  other["options"]["threshold"] = 0.8;
  const auto message = refusal<UsageError>(folder.path(), other);
  EXPECT_NE(message.find("options.threshold is 0.9 there and 0.8 here"), std::string::npos) << message;
  EXPECT_NE(message.find("'overwrite'"), std::string::npos);
  EXPECT_NE(message.find("'out'"), std::string::npos);

  Json more = identity, less = identity;
  more["options"]["seed"] = 1;
  less["options"].erase("grid");
  EXPECT_NE(refusal<UsageError>(folder.path(), more).find("options.seed is null there and 1 here"),
            std::string::npos);
  EXPECT_NE(refusal<UsageError>(folder.path(), less).find("options.grid is 7 there and not set"),
            std::string::npos);

  const Json reordered = {
      {"options", {{"threshold", 0.9}, {"grid", 7}}}, {"model", "abc"}, {"tool", "xai-mse"}};
  EXPECT_TRUE(RunFolder(kind, folder.path(), reordered).done({"a"}));
}

TEST(RunFolder, OverwriteRemovesTheRunAndNothingElse) {
  const TemporaryFolder folder;
  {
    RunFolder run(kind, folder.path(), identity);
    run.append(record("a"));
    run.write_file("summary.json", "{}");
    run.write_file("images/n01/a.png", "png");
    run.write_file("images/n02/b.png", "png");
  }
  write_file_atomically(folder / "notes.txt", "mine");
  write_file_atomically(folder / "images/n02/notes.txt", "mine");
  Json other = identity;
  other["model"] = "def";
  RunFolder run(kind, folder.path(), other, true);
  EXPECT_EQ(run.done_count(), 0);
  EXPECT_TRUE(run.previous_run().is_null());
  std::set<std::string> left;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path()))
    left.insert(fs::relative(entry.path(), folder.path()).string());
  EXPECT_EQ(left, (std::set<std::string>{".lock", "run.json", "results.jsonl", "notes.txt", "images",
                                         "images/n02", "images/n02/notes.txt"}));
}

/// All that a folder holds, links as such.
std::set<std::string> files_of(const fs::path& folder) {
  std::set<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    files.insert(entry.path().lexically_relative(folder).string());
  return files;
}

TEST(RunFolder, AnyToolRemovesWhatARunSaysItOwns) {
  const TemporaryFolder folder;
  {
    const RunFolder run(kind, folder / "run", identity);
    run.write_file("images/a.png", "png");
    run.write_file("table.csv", "a,b");
    run.write_file("maps/a.npy", "another tool's");
  }
  const RunKind other{.tool = "xai-saliency", .paths = {"maps/"}};
  const Json other_identity = {{"tool", "xai-saliency"}};
  { const RunFolder run(other, folder / "run", other_identity, true); }
  EXPECT_EQ(files_of(folder / "run"),
            (std::set<std::string>{".lock", "run.json", "results.jsonl", "maps", "maps/a.npy"}));
  EXPECT_EQ(Json::parse(read_file(folder / "run/run.json"))["paths"], Json{"maps/"});
  { const RunFolder run(kind, folder / "run", identity, true); }
  EXPECT_EQ(files_of(folder / "run"), (std::set<std::string>{".lock", "run.json", "results.jsonl"}));
}

TEST(RunFolder, OverwriteStaysInTheFolder) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "beside.png", "mine");
  fs::create_directories(folder / "elsewhere");
  write_file_atomically(folder / "elsewhere/photo.png", "mine");
  const RunKind greedy{
      .tool = "xai-mse",
      .paths = {"../", "../beside.png", "x/../../elsewhere/", (folder / "elsewhere").string() + "/", "./", "",
                "link/", "link/photo.png", "images/"}};
  {
    const RunFolder run(greedy, folder / "run", identity);
    run.write_file("images/a.png", "png");
    run.write_file("mine.png", "mine");
  }
  fs::create_directory_symlink(folder / "elsewhere", folder / "run/link");
  fs::create_directory_symlink(folder / "elsewhere", folder / "run/images/link");
  fs::create_symlink(folder / "beside.png", folder / "run/images/link.png");
  { const RunFolder run(kind, folder / "run", identity, true); }
  EXPECT_EQ(files_of(folder.path()),
            (std::set<std::string>{"beside.png", "elsewhere", "elsewhere/photo.png", "run", "run/.lock",
                                   "run/run.json", "run/results.jsonl", "run/mine.png", "run/link",
                                   "run/images", "run/images/link"}));
}

TEST(RunFolder, RefusesToGoOnWithAnotherSchemaAndRemovesSuchRunsOfItsToolOnly) {
  const TemporaryFolder folder;
  const auto make_old = [&] {
    {
      RunFolder run(kind, folder.path(), identity, true);
      run.append(record("a"));
      run.write_file("images/a.png", "png");
    }
    Json run = Json::parse(read_file(folder / "run.json"));
    run["schema_version"] = "1.0";
    run["command"] = {"xai-mse", "--out", "run"};
    run.erase("paths");
    write_file_atomically(folder / "run.json", to_text(run));
  };
  make_old();
  EXPECT_EQ(
      refusal<UsageError>(folder.path()),
      cat((folder / "run.json").string(), " has schema version \"1.0\", and this is 2.0; make it anew: ",
          "xai-mse --out run --overwrite (or with another 'out')"));
  const RunKind other{.tool = "xai-saliency", .paths = {"images/"}};
  try {
    RunFolder(other, folder.path(), {{"tool", "xai-saliency"}}, true);
    FAIL() << "opened";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what())
                  .find("holds a run of \"xai-mse\" by an earlier version, which does not say "
                        "what it owns there; remove the folder or choose another 'out'"),
              std::string::npos)
        << error.what();
  }
  EXPECT_TRUE(fs::exists(folder / "images/a.png"));
  EXPECT_EQ(RunFolder(kind, folder.path(), identity, true).done_count(), 0);
  EXPECT_FALSE(fs::exists(folder / "images"));
}

TEST(RunFolder, GivesRecordsBack) {
  const TemporaryFolder folder;
  const RunKind pairs{.tool = "xai-crosstest", .key = {"image", "source", "model"}};
  RunFolder run(pairs, folder.path(), identity);
  const auto of = [](int image, int source, int model) {
    return Json{{"image", cat("image ", image)},
                {"source", cat("s", source)},
                {"model", cat("m", model)},
                {"status", "ok"},
                {"number", 100 * image + 10 * source + model}};
  };
  for (const int model : {2, 0, 1})  // as a run that holds one model at a time
    for (int image = 3; image-- > 0;)
      for (int source = 0; source < 3; ++source)
        if (image != 1 || model != source) run.append(of(image, source, model));
  const auto check = [&] {
    EXPECT_EQ(run.done_count(), 24);
    for (int image = 0; image < 3; ++image)
      for (int source = 0; source < 3; ++source)
        for (int model = 0; model < 3; ++model) {
          const auto found = run.record({cat("image ", image), cat("s", source), cat("m", model)});
          EXPECT_EQ(found.has_value(), image != 1 || model != source);
          EXPECT_EQ(found.value_or(of(image, source, model)), of(image, source, model));
        }
    EXPECT_FALSE(run.record({"image 3", "s0", "m0"}) || run.record({"image 0", "s0", "m3"}));
  };
  check();
  std::vector<RunFolder::Key> rest;
  for (int source = 0; source < 3; ++source)
    for (int model = 0; model < 3; ++model) rest.push_back({cat("s", source), cat("m", model)});
  run.finish({"image 0", "image 1", "image 2"}, rest);
  check();
  int last = -1;
  run.for_each_record([&](const Json& found) {
    EXPECT_GT(found["number"], last);
    last = found["number"];
  });
}

TEST(RunFolder, RefusesFoldersThatAreNotARun) {
  for (const char* name : {"holiday.jpg", "run.json"}) {
    const TemporaryFolder folder;
    write_file_atomically(folder / name, "{\"somebody\": \"else's\"}");
    for (const bool overwrite : {false, true})
      EXPECT_NE(refusal<UsageError>(folder.path(), identity, overwrite).find("no run of this tool"),
                std::string::npos);
    EXPECT_EQ(read_file(folder / name), "{\"somebody\": \"else's\"}");
  }
}

TEST(RunFolder, RefusesPlacesItCannotWriteTo) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "file", "");
  EXPECT_NE(refusal<IoError>(folder / "file").find("Not a directory"), std::string::npos);
  EXPECT_NE(refusal<IoError>(folder / "file/run").find("cannot create folder"), std::string::npos);
  EXPECT_NE(refusal<IoError>("/proc/self/no-such-run").find("cannot create folder"), std::string::npos);
}

TEST(RunFolder, HasOneProcessAtATime) {
  const TemporaryFolder folder;
  {
    const RunFolder run(kind, folder.path(), identity);
    EXPECT_NE(refusal<UsageError>(folder.path()).find("in use by another running process"),
              std::string::npos);
    EXPECT_NE(refusal<UsageError>(folder.path(), identity, true).find("in use"), std::string::npos);
  }
  EXPECT_EQ(refusal<Error>(folder.path()), "opened");
}

TEST(RunFolder, SaysWhoHoldsIt) {
  const TemporaryFolder folder;
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  {
    const RunFolder run(kind, folder.path(), identity);
    const std::string message = refusal<UsageError>(folder.path());
    const std::string held = cat(folder.path().string(), " is in use by another running process (", getpid(),
                                 " on ", host, ", since 20");
    EXPECT_TRUE(message.starts_with(held)) << message;
    EXPECT_TRUE(message.ends_with("Z); wait for it or choose another 'out'")) << message;

    // what a process that is gone has left behind names nobody
    const pid_t gone = fork();
    if (gone == 0) _exit(0);
    waitpid(gone, nullptr, 0);
    std::ofstream(folder / ".lock") << to_text(Json{{"pid", gone}, {"host", host}, {"since", "2020"}});
    EXPECT_EQ(refusal<UsageError>(folder.path()),
              cat(folder.path().string(),
                  " is in use by another running process; wait for it or choose another 'out'"));
  }
  EXPECT_EQ(read_file(folder / ".lock"), "");
}

std::string status_in(const fs::path& folder) {
  return Json::parse(read_file(folder / "run.json"))["status"];
}

TEST(RunFolder, DoesNotSayRunningWhenItIsLeft) {
  const TemporaryFolder folder;
  {
    RunFolder run(kind, folder.path(), identity);
    EXPECT_EQ(status_in(folder.path()), "running");
  }
  EXPECT_EQ(status_in(folder.path()), "failed");  // in its start-up
  for (const char* last : {"running", "stopped", "done"}) {
    {
      RunFolder run(kind, folder.path(), identity);
      run.append(record(last));
      run.write_run(Json{{"model", {{"status", "running"}}}, {"status", "running"}});
      run.write_run(Json{{"model", {{"status", "running"}}}, {"status", last}});
    }
    EXPECT_EQ(status_in(folder.path()), last == std::string("running") ? "failed" : last);
    const Json run = Json::parse(read_file(folder / "run.json"));
    EXPECT_EQ(run["model"]["status"], "running");
    EXPECT_EQ(run["identity"], identity);
  }
}

/// Leaves a folder as a process does that is killed, and one that crashes.
void die_in(const fs::path& folder, int signal_number) {
  const pid_t child = fork();
  if (child == 0) {
    install_interrupt_handlers();
    RunFolder run(kind, folder, identity);
    run.append(record("a"));
    raise(signal_number);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WTERMSIG(status), signal_number);
}

TEST(RunFolder, ARunThatWasKilledWasInterrupted) {
  const TemporaryFolder folder;
  die_in(folder.path(), SIGKILL);
  EXPECT_EQ(status_in(folder.path()), "running");
  EXPECT_EQ(status_of(Json{{"status", "running"}}, folder.path()), "interrupted");
  {
    const RunFolder run(kind, folder.path(), identity);
    EXPECT_EQ(run.previous_run()["status"], "interrupted");
    EXPECT_EQ(status_in(folder.path()), "interrupted");
    EXPECT_EQ(status_of(Json{{"status", "running"}}, folder.path()), "running");
    EXPECT_TRUE(run.done({"a"}));
  }
  EXPECT_EQ(status_in(folder.path()), "interrupted");  // nothing was done since
}

TEST(RunFolder, ARunThatCrashedHasFailed) {
  const TemporaryFolder folder;
  die_in(folder.path(), SIGSEGV);
  EXPECT_EQ(status_in(folder.path()), "failed");
}

TEST(RunFolder, KnowsFoldersOfRuns) {
  const TemporaryFolder folder;
  { RunFolder(kind, folder / "run", identity).append(record("a")); }
  EXPECT_TRUE(is_run_folder(folder / "run"));
  fs::remove(folder / "run/.lock");  // as a copy without hidden files
  EXPECT_TRUE(is_run_folder(folder / "run"));
  fs::remove(folder / "run/results.jsonl");
  EXPECT_FALSE(is_run_folder(folder / "run"));
  EXPECT_FALSE(is_run_folder(folder.path()));
  EXPECT_FALSE(is_run_folder(folder / "none"));
  for (const char* other : {"{\"runs\": 3}", "not JSON", "{\"identity\": \"mine\"}"}) {
    fs::create_directories(folder / "theirs");
    write_file_atomically(folder / "theirs/run.json", other);
    write_file_atomically(folder / "theirs/results.jsonl", "");
    EXPECT_FALSE(is_run_folder(folder / "theirs")) << other;
  }
}

TEST(RunFolder, TornTailIsCutAndTheRestKept) {
  const std::string whole = to_text(record("a")) + "\n" + to_text(record("b")) + "\n";
  const std::string next = to_text(record("c")) + "\n";
  for (std::size_t written = 0; written <= next.size(); ++written) {
    const TemporaryFolder folder;
    { RunFolder(kind, folder.path(), identity); }
    append_bytes(folder / "results.jsonl", whole + next.substr(0, written));
    testing::internal::CaptureStderr();
    RunFolder run(kind, folder.path(), identity);
    const bool told = testing::internal::GetCapturedStderr().find("cutting off") != std::string::npos;
    EXPECT_EQ(told, 0 < written && written < next.size()) << written;
    EXPECT_EQ(run.done({"c"}), written == next.size()) << written;
    if (!run.done({"c"})) run.append(record("c"));
    EXPECT_EQ(read_file(folder / "results.jsonl"), whole + next) << written;
  }
}

TEST(RunFolder, BlocksThatTheDiskLostAreCutToo) {
  const TemporaryFolder folder;
  { RunFolder(kind, folder.path(), identity).append(record("a")); }
  append_bytes(folder / "results.jsonl", std::string(100, '\0') + "\n");
  EXPECT_EQ(images(RunFolder(kind, folder.path(), identity)), std::vector<std::string>{"a"});
}

TEST(RunFolder, NoRecordIsLostOrDoubledByKills) {
  const TemporaryFolder folder;
  const int count = 3000;
  int kills = 0;
  for (bool finished = false; !finished;) {
    int reported[2];  // the child tells after each append that it has returned
    ASSERT_EQ(pipe(reported), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(reported[0]);
      RunFolder run(kind, folder.path(), identity);
      for (int i = 0; i < count; ++i) {
        if (run.done({std::to_string(i)})) continue;
        run.append(
            Json{{"image", std::to_string(i)}, {"status", "ok"}, {"padding", std::string(i % 997, 'x')}});
        if (write(reported[1], &i, sizeof i) != sizeof i) _exit(1);
      }
      _exit(0);
    }
    close(reported[1]);
    int last = -1, i = 0;
    for (int n = 0; n < 400 + 61 * kills && read(reported[0], &i, sizeof i) == sizeof i; ++n) last = i;
    kill(child, SIGKILL);
    while (read(reported[0], &i, sizeof i) == sizeof i) last = i;
    close(reported[0]);
    int status = 0;
    waitpid(child, &status, 0);
    finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    kills += !finished;
    const RunFolder run(kind, folder.path(), identity);
    for (int done = 0; done <= last; ++done) ASSERT_TRUE(run.done({std::to_string(done)})) << done;
    ASSERT_LE(run.done_count(), std::max<long>(last + 2, finished ? count : 0));
    ASSERT_LT(kills, 50);
  }
  EXPECT_GE(kills, 2);
  RunFolder run(kind, folder.path(), identity);
  const auto names = images(run);
  ASSERT_EQ(names.size(), static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) EXPECT_EQ(names[i], std::to_string(i));
}

TEST(RunFolder, FullDiskLosesNothingThatWasAppended) {
  const SmallDisk disk(64);
  if (!disk.mounted()) GTEST_SKIP() << "mounting a tmpfs needs root";
  int appended = 0;
  {
    RunFolder run(kind, disk / "run", identity);
    try {
      for (; appended < 1000; ++appended)
        run.append(
            Json{{"image", std::to_string(appended)}, {"status", "ok"}, {"padding", std::string(700, 'x')}});
      FAIL() << "700 kB fitted a disk of 64 kB";
    } catch (const IoError& error) {
      EXPECT_NE(std::string(error.what()).find("No space left on device; free some space"),
                std::string::npos);
    }
    EXPECT_FALSE(run.done({std::to_string(appended)}));
    EXPECT_EQ(read_file(disk / "run/results.jsonl").back(), '\n');
    EXPECT_THROW(run.write_file("images/a.png", std::string(60'000, 'x')), IoError);
    EXPECT_FALSE(fs::exists(disk / "run/images/a.png"));
    std::ofstream(disk / "rest") << std::string(60'000, 'x');  // nor has run.json a place for another one
    EXPECT_THROW(run.write_run(Json{{"status", "failed"}}), IoError);
  }
  EXPECT_GT(appended, 20);
  EXPECT_EQ(status_in(disk / "run"), "failed");
  fs::remove(disk / "rest");
  const RunFolder run(kind, disk / "run", identity);
  EXPECT_EQ(run.done_count(), appended);
  EXPECT_EQ(images(run).size(), static_cast<std::size_t>(appended));
}

/// A file and a folder of somebody else's, to which links in a run folder lead.
class Theirs {
 public:
  explicit Theirs(const TemporaryFolder& folder) : file_(folder / "theirs.txt"), folder_(folder / "theirs") {
    write_file_atomically(file_, text_);
    fs::create_directory(folder_);
    write_file_atomically(folder_ / "x.png", text_);
  }

  /// To the folder where `place` ends in a slash.
  void link(const std::string& place) const {
    const bool to_folder = place.ends_with('/');
    const fs::path link = to_folder ? place.substr(0, place.size() - 1) : place;
    fs::create_directories(link.parent_path());
    fs::create_symlink(to_folder ? folder_ : file_, link);
  }

  void expect_untouched() const {
    EXPECT_EQ(read_file(file_), text_);
    EXPECT_EQ(read_file(folder_ / "x.png"), text_);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
  }

 private:
  const std::string text_ = "theirs, and longer than what would be written over it: {}";
  fs::path file_, folder_;
};

TEST(RunFolder, NothingIsOpenedThroughALink) {
  for (const std::string name :
       {"results.jsonl", ".lock", "run.json", "summary.json", "table.csv", "images/"}) {
    const TemporaryFolder folder;
    const Theirs theirs(folder);
    {
      RunFolder run(kind, folder / "run", identity);
      run.write_file("images/a.png", "picture");
    }
    fs::remove_all(folder / "run" / (name == "images/" ? "images" : name));
    theirs.link(folder / "run" / name);
    for (const bool overwrite : {false, true}) {
      const std::string why = refusal<UsageError>(folder / "run", identity, overwrite);
      EXPECT_NE(why.find("is a symbolic link, through which nothing is written"), why.npos)
          << name << ": " << why;
      EXPECT_THROW(RunFolder(kind, folder / "run", identity, overwrite, RunAccess::look), UsageError) << name;
    }
    theirs.expect_untouched();
  }
}

TEST(RunFolder, NothingIsWrittenOrRemovedThroughALink) {
  const TemporaryFolder folder;
  const Theirs theirs(folder);
  fs::create_directory(folder / "run");
  theirs.link(folder / "run/run.json.tmp");  // before there is a run, too
  {
    RunFolder run(kind, folder / "run", identity);
    theirs.link(folder / "run/results.jsonl.tmp");
    theirs.link(folder / "run/summary.json.tmp");
    theirs.link(folder / "run/images/b.png");
    theirs.link(folder / "run/images/c.png.tmp");
    theirs.link(folder / "run/images/deep/");
    run.append(record("a"));
    run.append(record("b"));
    run.finish({"b", "a"});
    run.write_file("summary.json", "{}");
    run.write_file("images/b.png", "picture");
    run.write_file("images/c.png", "picture");
    EXPECT_THROW(run.write_file("images/deep/x.png", "picture"), IoError);
    EXPECT_THROW(run.write_file("images/deep/er/x.png", "picture"), IoError);
    run.write_run(Json{{"status", "running"}});
  }
  theirs.expect_untouched();
  EXPECT_EQ(read_file(folder / "run/images/b.png"), "picture");
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(folder / "run/images/b.png")));
  fs::remove(folder / "run/images/b.png");
  theirs.link(folder / "run/images/b.png");
  theirs.link(folder / "run/table.csv.tmp");
  { const RunFolder run(kind, folder / "run", Json{{"tool", "xai-mse"}}, /*overwrite=*/true); }
  theirs.expect_untouched();
  EXPECT_FALSE(fs::exists(fs::symlink_status(folder / "run/images/b.png")));
  EXPECT_TRUE(fs::exists(fs::symlink_status(folder / "run/images/deep")));  // not the run's
}

TEST(RunFolder, NamesDoNotLeadOutOfIt) {
  const TemporaryFolder folder;
  const RunFolder run(kind, folder / "run", identity);
  for (const fs::path& name : {fs::path("../x"), fs::path("images/../../x"), folder / "x", fs::path("")})
    EXPECT_THROW(run.write_file(name, "out"), Error) << name;
  EXPECT_FALSE(fs::exists(folder / "x"));
}

TEST(RunFolder, APipeInItIsRefusedAndNotWaitedFor) {
  for (const std::string name : {"results.jsonl", ".lock", "run.json"}) {
    const TemporaryFolder folder;
    { const RunFolder run(kind, folder / "run", identity); }
    fs::remove(folder / "run" / name);
    ASSERT_EQ(mkfifo((folder / "run" / name).c_str(), 0600), 0);
    EXPECT_NE(refusal<UsageError>(folder / "run").find("'" + name + "' in "), std::string::npos) << name;
    EXPECT_EQ(status_of(Json{{"status", "running"}}, folder / "run") == "running", name == ".lock");
  }
}

}  // namespace
}  // namespace xai
