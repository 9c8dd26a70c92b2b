#include "../../src/store/journal.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <exception>
#include <fstream>

#include "temporary_folder.hpp"

namespace {

bool can_truncate = true;

}  // namespace

/// In place of the system's.
extern "C" int ftruncate(int file, off_t size) noexcept {
  if (can_truncate) return static_cast<int>(syscall(SYS_ftruncate, file, size));
  errno = EIO;
  return -1;
}

namespace xai::internal {
namespace {

Json record(const std::string& image, const std::string& padding = "") {
  return {{"image", image}, {"status", "ok"}, {"padding", padding}};
}

void add(Journal& journal, const Json& record) {
  journal.append(record, to_text(record));
}

std::string line(const std::string& image) {
  return to_text(record(image)) + "\n";
}

std::string with(const TemporaryFolder& folder, const std::string& content) {
  std::ofstream(folder / "results.jsonl", std::ios::binary) << content;
  return content;
}

/// A limit of the process while this lives.
class Limit {
 public:
  Limit(int resource, rlim_t most) : resource_(resource) {
    getrlimit(resource_, &before_);
    const rlimit now{most, before_.rlim_max};
    setrlimit(resource_, &now);
  }
  ~Limit() { setrlimit(resource_, &before_); }

 private:
  int resource_;
  rlimit before_{};
};

TEST(Journal, WhatCannotBeReadIsNotTakenForEmpty) {
  const TemporaryFolder folder;
  const std::string content = with(folder, line("a") + line("b"));
  const int next = dup(0);
  close(next);
  std::exception_ptr thrown;  // dies after the limit: UBSan looks at it through a pipe
  {
    const Limit files(RLIMIT_NOFILE, static_cast<rlim_t>(next) + 1);  // one to write, and none to read
    try {
      Journal(folder / "results.jsonl", {"image"});
    } catch (const IoError&) {
      thrown = std::current_exception();
    }
  }
  EXPECT_TRUE(thrown);
  EXPECT_EQ(read_file(folder / "results.jsonl"), content);
  EXPECT_EQ(Journal(folder / "results.jsonl", {"image"}).size(), 2);
}

TEST(Journal, DamageCostsTheRecordsThatItHitAndNoOthers) {
  const TemporaryFolder folder;
  for (const std::string& damage :
       {std::string(4096, '\0') + "\"p\":0.5}\n", std::string("{\"image\":\"b\",\"st{\"image\":\"b\"}\n"),
        std::string("\n")}) {
    with(folder, line("a") + damage + line("c"));
    const Scanned scanned =
        scan(folder / "results.jsonl", [](std::int64_t, const std::string&, const Json&) {});
    EXPECT_EQ(scanned.damaged, static_cast<std::int64_t>(damage.size()));
    testing::internal::CaptureStderr();
    Journal journal(folder / "results.jsonl", {"image"});
    EXPECT_NE(testing::internal::GetCapturedStderr().find(cat(damage.size(), " bytes that are damaged")),
              std::string::npos);
    EXPECT_EQ(read_file(folder / "results.jsonl"), line("a") + line("c"));
    add(journal, record("b"));
    EXPECT_EQ(read_file(folder / "results.jsonl"), line("a") + line("c") + line("b"));
  }
}

TEST(Journal, WhatStandsTwiceIsKeptOnce) {
  const TemporaryFolder folder;
  with(folder, line("a") + line("b") + line("a"));
  EXPECT_EQ(Journal(folder / "results.jsonl", {"image"}, RunAccess::look).size(), 2);
  EXPECT_EQ(Journal(folder / "results.jsonl", {"image"}).size(), 2);
  EXPECT_EQ(read_file(folder / "results.jsonl"), line("a") + line("b"));
}

TEST(Journal, NothingIsAppendedBehindATornRecord) {
  const TemporaryFolder folder;
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  Journal journal(folder / "results.jsonl", {"image"});
  add(journal, record("a"));
  {
    const Limit size(RLIMIT_FSIZE, 100);
    can_truncate = false;
    EXPECT_THROW(add(journal, record("b", std::string(200, 'x'))), IoError);
  }
  EXPECT_EQ(read_file(folder / "results.jsonl").size(), 100);  // a part of it is there
  EXPECT_THROW(add(journal, record("c")), IoError);
  can_truncate = true;
  add(journal, record("c"));
  EXPECT_EQ(read_file(folder / "results.jsonl"), line("a") + line("c"));
  EXPECT_EQ(journal.record(journal.find({"c"})), record("c"));
  std::signal(SIGXFSZ, before);
}

}  // namespace
}  // namespace xai::internal
