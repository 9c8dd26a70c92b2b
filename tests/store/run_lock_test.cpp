#include "../../src/store/run_lock.hpp"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <functional>
#include <thread>

#include "temporary_folder.hpp"
#include "xai/core/json.hpp"

namespace {

std::atomic<bool> has_locks = true;

}  // namespace

/// In place of the system's: that of a file system without locks, where the test says so.
extern "C" int flock(int file, int operation) noexcept {
  if (has_locks) return static_cast<int>(syscall(SYS_flock, file, operation));
  errno = ENOLCK;
  return -1;
}

namespace xai::internal {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr SignsOfLife quick{.between = milliseconds(20), .patience = milliseconds(400)};

std::string refusal(const fs::path& folder) {
  try {
    const RunLock lock(folder, quick);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "locked";
}

struct WithoutLocks {
  WithoutLocks() { has_locks = false; }
  ~WithoutLocks() { has_locks = true; }
};

/// Runs `work` in a process of its own, which ends without cleaning up; gives its exit code.
int in_child(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) _exit(work());
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

/// The claim of a process on another machine, after so many signs of life.
void write_claim(const fs::path& folder, int signs) {
  const Json claim = {
      {"pid", 1}, {"host", "node7"}, {"since", "2026"}, {"machine", "another"}, {"signs", signs}};
  std::ofstream(folder / ".lock.held") << to_text(claim) << "\n";
}

TEST(RunLock, WithoutLocksAFileKeepsOthersOut) {
  const TemporaryFolder folder;
  const WithoutLocks without;
  {
    const RunLock lock(folder.path(), quick);
    EXPECT_NO_THROW(lock.require_held());
    EXPECT_NE(refusal(folder.path()).find(cat("is in use by another running process (", getpid(), " on ")),
              std::string::npos);
    EXPECT_EQ(in_child([&] { return refusal(folder.path()) != "locked"; }), 1);
    EXPECT_NE(lock_holder(folder.path()), std::nullopt);
    EXPECT_THROW(lock_to_read(folder.path()), UsageError);
  }
  EXPECT_FALSE(fs::exists(folder / ".lock.held"));
  EXPECT_EQ(lock_holder(folder.path()), std::nullopt);
  EXPECT_NO_THROW(lock_to_read(folder.path()));
  EXPECT_EQ(refusal(folder.path()), "locked");
}

TEST(RunLock, WhatAKilledProcessLeftIsTakenOverAtOnce) {
  const TemporaryFolder folder;
  const WithoutLocks without;
  EXPECT_EQ(in_child([&] {
              new RunLock(folder.path(), quick);
              return 7;
            }),
            7);
  ASSERT_TRUE(fs::exists(folder / ".lock.held"));
  EXPECT_EQ(lock_holder(folder.path()), std::nullopt);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(refusal(folder.path()), "locked");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, quick.patience);
  EXPECT_FALSE(fs::exists(folder / ".lock.held"));
}

TEST(RunLock, AnotherMachinesProcessLivesWhileItCounts) {
  const TemporaryFolder folder;
  const WithoutLocks without;
  write_claim(folder.path(), 0);
  std::atomic<bool> ends = false;
  std::thread other([&] {
    for (int signs = 1; !ends; ++signs) {
      write_claim(folder.path(), signs);
      std::this_thread::sleep_for(quick.between);
    }
  });
  EXPECT_NE(refusal(folder.path()).find("in use by another running process"), std::string::npos);
  EXPECT_NE(lock_holder(folder.path()), std::nullopt);
  ends = true;
  other.join();
  EXPECT_EQ(refusal(folder.path()), "locked");  // it counts no more
}

TEST(RunLock, ACopyOfAFolderIsHeldByNobody) {
  const TemporaryFolder folder, copy;
  const WithoutLocks without;
  const RunLock lock(folder.path(), quick);
  fs::copy_file(folder / ".lock.held", copy / ".lock.held");
  EXPECT_EQ(refusal(copy.path()), "locked");
  EXPECT_NO_THROW(lock.require_held());
}

TEST(RunLock, AFileSystemThatLocksHereAndNotThereIsNoWayIn) {
  const TemporaryFolder folder;
  std::unique_ptr<RunLock> lock;
  {
    const WithoutLocks without;
    lock = std::make_unique<RunLock>(folder.path(), quick);
  }
  EXPECT_NE(refusal(folder.path()).find("in use by"), std::string::npos);
  EXPECT_THROW(lock_to_read(folder.path()), UsageError);
}

TEST(RunLock, OnlyOneTakesOver) {
  const TemporaryFolder folder;
  const WithoutLocks without;
  for (int round = 0; round < 5; ++round) {
    write_claim(folder.path(), round);
    std::vector<pid_t> children;
    for (int i = 0; i < 8; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        try {
          const RunLock lock(folder.path(), quick);
          std::this_thread::sleep_for(3 * quick.patience);
          lock.require_held();
          _exit(1);
        } catch (const UsageError&) {
          _exit(0);
        } catch (...) {
          _exit(2);
        }
      }
      children.push_back(child);
    }
    int holders = 0;
    for (const pid_t child : children) {
      int status = 0;
      waitpid(child, &status, 0);
      holders +=
          WEXITSTATUS(status) == 1;  // 2: it had the lock for a moment, and says that it has it no more
    }
    EXPECT_EQ(holders, 1);
    for (const auto& entry : fs::directory_iterator(folder.path()))
      EXPECT_FALSE(entry.path().filename().string().starts_with(".lock.held.")) << entry.path();
    fs::remove(folder / ".lock.held");
  }
}

TEST(RunLock, WhoWasTakenForDeadWritesNoMore) {
  const TemporaryFolder folder;
  const WithoutLocks without;
  {
    const RunLock lock(folder.path(), quick);
    fs::rename(folder / ".lock.held", folder / "aside");  // as another process does
    write_claim(folder.path(), 0);
    try {
      lock.require_held();
      FAIL();
    } catch (const IoError& error) {
      EXPECT_NE(std::string(error.what()).find("another process took over"), std::string::npos);
    }
  }
  EXPECT_TRUE(fs::exists(folder / ".lock.held"));  // it is the other's
}

TEST(RunLock, ReadersKeepWritersOutAndNotEachOther) {
  const TemporaryFolder folder;
  EXPECT_EQ(lock_to_read(folder.path()).get(), -1);  // never written to
  EXPECT_EQ(refusal(folder.path()), "locked");
  FileDescriptor reader = lock_to_read(folder.path());
  EXPECT_NO_THROW(lock_to_read(folder.path()));
  {
    RunLock lock(folder.path(), quick);
    EXPECT_TRUE(lock.is_read());
    try {
      lock.require_alone();
      FAIL();
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find("is being read by another running process"),
                std::string::npos);
    }
  }
  RunLock lock(folder.path(), quick);
  EXPECT_TRUE(lock.is_read());
  reader = FileDescriptor();
  lock.require_alone();
  EXPECT_FALSE(lock.is_read());
  EXPECT_THROW(lock_to_read(folder.path()), UsageError);
}

TEST(RunLock, ATouchTellsReadersOfAnotherMachinesProcess) {
  const TemporaryFolder folder;
  EXPECT_EQ(refusal(folder.path()), "locked");  // makes .lock
  write_claim(folder.path(), 0);
  EXPECT_EQ(lock_holder(folder.path()), "another running process (1 on node7, since 2026)");
  fs::last_write_time(folder / ".lock.held", fs::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_EQ(lock_holder(folder.path()), std::nullopt);
}

}  // namespace
}  // namespace xai::internal
