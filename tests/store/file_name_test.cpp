#include "xai/store/file_name.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <regex>

#include "temporary_folder.hpp"
#include "xai/core/file.hpp"
#include "xai/core/hash.hpp"

namespace xai {
namespace {

TEST(FileName, IsTheNameWithItsSuffixWhereThatFits) {
  EXPECT_EQ(file_name_of("n01/x.JPEG", ".png"), "n01/x.JPEG.png");
  EXPECT_EQ(file_name_of(std::string(247, 'x'), ".png"), std::string(247, 'x') + ".png");
  EXPECT_EQ(file_name_of("", ".png"), ".png");
}

TEST(FileName, IsCutToWhatFitsWithAHashOfTheWhole) {
  for (const std::size_t size : {248, 250, 255, 300}) {
    const std::string name = "a/" + std::string(size, 'x');
    const std::string hash = sha256(std::string(size, 'x')).substr(0, 16);
    EXPECT_EQ(file_name_of(name, ".png"), "a/" + std::string(230, 'x') + "~" + hash + ".png");
  }
}

TEST(FileName, EveryPartCanBeWritten) {
  const TemporaryFolder folder;
  for (const char* suffix : {".png", ".igos++.npy", ".dot"})
    for (std::size_t size = 235; size <= 256; ++size) {
      const std::string file = file_name_of(std::string(255, 'd') + "/" + std::string(size, 'x'), suffix);
      std::filesystem::create_directories((folder / file).parent_path());
      EXPECT_NO_THROW(write_file_atomically(folder / file, "content")) << size << suffix;
    }
}

TEST(FileName, DiffersWhereOnlyTheEndsDo) {
  const std::string start(250, 'x');
  EXPECT_NE(file_name_of(start + "1", ".png"), file_name_of(start + "2", ".png"));
}

TEST(FileName, IsCutBetweenCharacters) {
  for (std::size_t before = 0; before < 4; ++before) {
    std::string name(before, 'x');
    while (name.size() < 249) name += "\xE2\x82\xAC";  // a euro sign
    const std::string cut = file_name_of(name, ".png");
    const std::string kept = cut.substr(0, cut.find('~'));
    EXPECT_EQ((kept.size() - before) % 3, 0) << before;
    EXPECT_GT(kept.size(), 226);
    EXPECT_TRUE(std::regex_search(cut, std::regex("~[0-9a-f]{16}\\.png$")));
  }
}

TEST(FileName, ALongPathBecomesOneName) {
  std::string deep;
  for (int i = 0; i < 30; ++i) deep += std::string(100, 'd') + "/";
  const std::string one = file_name_of(deep + "x.png", ".npy"),
                    other = file_name_of(deep + "e/x.png", ".npy");
  EXPECT_EQ(one, "x.png~" + sha256(deep + "x.png") + ".npy");
  EXPECT_NE(one, other);
}

TEST(FileName, NeverLeadsOutOfItsFolder) {
  for (const char* name : {"../../x", "/etc/x", "a/./x", "a//x", "a/../x"})
    EXPECT_EQ(file_name_of(name, ".png"), "x~" + sha256(name) + ".png");
  for (const std::string name : {"..", ".", ""})
    for (const std::string suffix : {"", "/"})
      EXPECT_EQ(file_name_of(name, suffix), name + "~" + sha256(name) + suffix);
  EXPECT_EQ(file_name_of("a/..", ".png"), "a/...png");
}

}  // namespace
}  // namespace xai
