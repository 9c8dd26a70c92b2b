#include "xai/data/class_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>

#include "says.hpp"
#include "temporary_folder.hpp"
#include "xai/core/error.hpp"

namespace xai {
namespace {

using Strings = std::vector<std::string>;

class ClassListFile : public ::testing::Test {
 protected:
  ClassList read(const std::string& content) const {
    std::ofstream(folder_ / "classes", std::ios::binary) << content;
    return read_class_list(folder_ / "classes");
  }

  std::string complaint(const std::string& content) const {
    try {
      read(content);
      return "";
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find((folder_ / "classes").string()), std::string::npos)
          << error.what();
      return error.what();
    }
  }

  TemporaryFolder folder_;
};

TEST_F(ClassListFile, CsvInAnyOrderWithQuotedFields) {
  const auto list =
      read("index,wnid,name\r\n1,n01443537,\"goldfish, Carassius \"\"auratus\"\"\"\r\n0,n01440764,tench\r\n");
  EXPECT_EQ(list.ids, (Strings{"n01440764", "n01443537"}));
  EXPECT_EQ(list.names, (Strings{"tench", "goldfish, Carassius \"auratus\""}));
}

TEST_F(ClassListFile, CsvWithoutHeaderAndNames) {
  const auto list = read(
      "\xEF\xBB\xBF"
      "0,cat\n1,dog\n");
  EXPECT_EQ(list.ids, (Strings{"cat", "dog"}));
  EXPECT_EQ(list.names, list.ids);
}

TEST_F(ClassListFile, JsonInTheOrderOfNumbersNotOfKeys) {
  std::string json = "{";
  for (int i = 11; i >= 0; --i)
    json += cat("\"", i, "\": [\"id", i, "\", \"name ", i, "\"]", i ? ",\n" : "}");
  const auto list = read(json);
  ASSERT_EQ(list.ids.size(), 12U);
  EXPECT_EQ(list.ids[2], "id2");
  EXPECT_EQ(list.names[10], "name 10");
}

TEST_F(ClassListFile, SynsetMapping) {
  const auto list = read("n01440764 tench, Tinca tinca\nn01443537 goldfish, Carassius auratus\n");
  EXPECT_EQ(list.ids, (Strings{"n01440764", "n01443537"}));
  EXPECT_EQ(list.names[1], "goldfish, Carassius auratus");
}

TEST_F(ClassListFile, PlainList) {
  const auto list = read("great white shark\nhen\n\n");
  EXPECT_EQ(list.ids, (Strings{"great white shark", "hen"}));
  EXPECT_EQ(list.names, list.ids);
}

TEST_F(ClassListFile, ErrorsNameWhatIsWrong) {
  EXPECT_TRUE(says(complaint("0,a\n2,b\n"), "index 1 is missing"));
  EXPECT_TRUE(says(complaint("1,a\n2,b\n"), "index 0 is missing"));
  EXPECT_TRUE(says(complaint("0,a\n0,b\n"), "line 2: class index 0 is given twice"));
  EXPECT_TRUE(says(complaint("0,a\nx,b\n"), "line 2"));
  EXPECT_TRUE(says(complaint("0,a\n1,b,c,d\n"), "line 2"));
  EXPECT_TRUE(says(complaint("a\nb\na\n"), "classes 0 and 2 have the same id 'a'"));
  EXPECT_TRUE(says(complaint("{\"0\": [\"a\", \"b\"], \"2\": [\"c\", \"d\"]}"), "index 1 is missing"));
  EXPECT_TRUE(says(complaint("{\"a\": [\"a\", \"b\"]}"), "'a' is not a class index"));
  EXPECT_TRUE(says(complaint("{\"0\": \"a\"}"), "class 0 is not"));
  EXPECT_TRUE(says(complaint("{\"0\": "), "JSON"));
  EXPECT_TRUE(says(complaint("{\"0\": " + std::string(1 << 20, '[')), "too many lists"));
  for (const char* none : {"{}", "index,wnid,name\n"}) EXPECT_TRUE(says(complaint(none), "lists no class"));
  EXPECT_TRUE(says(complaint(""), "is empty"));
  EXPECT_TRUE(says(complaint(std::string("a\0b", 3)), "not a text file"));
  EXPECT_THROW(read_class_list(folder_ / "missing"), IoError);
}

TEST(ClassList, ImageNet) {
  const char* const shared = std::getenv("XAI_SHARED_DATA");
  const std::filesystem::path file =
      (shared ? std::filesystem::path(shared) : std::filesystem::path(XAI_SOURCE_DIR) / "../shared/data") /
      "imagenet-classes.csv";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "needs " << file;
  const auto list = read_class_list(file);
  ASSERT_EQ(list.ids.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(list.ids.begin(), list.ids.end()));
  EXPECT_EQ(list.ids[285], "n02124075");
  EXPECT_EQ(list.names[999], "toilet tissue");
}

/// Found by libFuzzer: how far a text is from a name costs the product of their lengths.
TEST(ClassOfText, LongTextsAndNamesAreNotComparedByteByByte) {
  ClassList classes;
  for (int i = 0; i < 100; ++i) {
    classes.ids.push_back(cat("id", i));
    classes.names.push_back(cat(i, std::string(50'000, 'a')));
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THROW(class_of_text(std::string(50'000, 'b'), classes, 100, "'target'"), UsageError);
  try {
    class_of_text("idd7", classes, 100, "'target'");
    ADD_FAILURE();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("close: id7"), std::string::npos) << error.what();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

}  // namespace
}  // namespace xai
