#include "xai/core/file.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "small_disk.hpp"
#include "temporary_folder.hpp"

namespace xai {
namespace {

long entries(const std::filesystem::path& folder) {
  const std::filesystem::directory_iterator begin(folder);
  return std::distance(begin, {});
}

TEST(File, AtomicWriteReplacesTheContentAndLeavesNothingElse) {
  const TemporaryFolder folder;
  const std::string binary("a\0b\r\n\xff", 6);
  write_file_atomically(folder / "f", "old and longer content");
  write_file_atomically(folder / "f", binary);
  EXPECT_EQ(read_file(folder / "f"), binary);
  EXPECT_EQ(entries(folder.path()), 1);
}

TEST(File, ErrorsNamePathReasonAndRemedy) {
  const TemporaryFolder folder;
  try {
    write_file_atomically(folder / "missing" / "f", "x");
    FAIL() << "wrote into a folder that does not exist";
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find((folder / "missing" / "f").string()), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("No such file or directory; check the path"), std::string::npos);
  }
  EXPECT_THROW(read_file(folder / "missing"), IoError);
  EXPECT_THROW(read_file(folder.path()), IoError);
}

TEST(File, FullDiskKeepsTheOldFileAndNoTemporary) {
  const SmallDisk disk(64);
  if (!disk.mounted()) GTEST_SKIP() << "mounting a tmpfs needs root";
  write_file_atomically(disk / "f", "old");
  try {
    write_file_atomically(disk / "f", std::string(200'000, 'x'));
    FAIL() << "wrote 200 kB to a disk of 64 kB";
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find("No space left on device; free some space"), std::string::npos);
  }
  EXPECT_EQ(read_file(disk / "f"), "old");
  EXPECT_EQ(entries(disk.path()), 1);
}

}  // namespace
}  // namespace xai
