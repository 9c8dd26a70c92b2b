#include "xai/store/npy.hpp"

#include <gtest/gtest.h>

#include "temporary_folder.hpp"
#include "xai/core/error.hpp"
#include "xai/core/file.hpp"

namespace xai {
namespace {

using Shape = std::vector<std::int64_t>;

TEST(Npy, ReadsWhatItWrites) {
  const TemporaryFolder folder;
  const std::vector<float> values = {1, -2.5F, 3e-9F, 0, 5, 6};
  for (const Shape& shape : {Shape{6}, Shape{2, 3}, Shape{1, 6, 1}}) {
    write_file_atomically(folder / "a.npy", encode_npy(values, shape));
    const FloatArray array = read_npy(folder / "a.npy");
    EXPECT_EQ(array.shape, shape);
    EXPECT_EQ(array.values, values);
  }
}

/// Why a file of these bytes is not read; "read" where it is.
std::string refusal_of(const std::string& bytes, const std::filesystem::path& file) {
  write_file_atomically(file, bytes);
  try {
    read_npy(file);
  } catch (const DataError& error) {
    return error.what();
  }
  return "read";
}

TEST(Npy, RefusesEverythingElse) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& bytes) { return refusal_of(bytes, folder / "a.npy"); };
  const std::string whole = encode_npy(std::vector<float>{1, 2, 3, 4}, {2, 2});
  EXPECT_EQ(refusal(whole), "read");
  EXPECT_NE(refusal("").find("a.npy"), std::string::npos);
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_NE(refusal(whole.substr(0, length)), "read") << length;
  EXPECT_NE(refusal(whole + "x").find("length"), std::string::npos);
  std::string other = whole;
  other.replace(other.find("<f4"), 3, "<f8");
  EXPECT_NE(refusal(other).find("type"), std::string::npos);
  other = whole;
  other.replace(other.find("(2,2"), 4, "(2,3");
  EXPECT_NE(refusal(other).find("length"), std::string::npos);
  EXPECT_THROW(read_npy(folder / "none.npy"), DataError);
}

TEST(Npy, ShapesThatNoFileHasAreRefused) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& shape) {
    std::string bytes = encode_npy(std::vector<float>{1, 2}, {2});
    const std::string old = "'shape': (2,)";
    bytes.replace(bytes.find(old), old.size(), "'shape': (" + shape + ")");
    const std::size_t size = bytes.size() - 10 - 2 * sizeof(float);
    bytes[8] = static_cast<char>(size & 0xFF);
    bytes[9] = static_cast<char>(size >> 8);
    return refusal_of(bytes, folder / "a.npy");
  };
  for (const char* shape : {"2,", "2", "1, 2", "2,1,", "1,1,2, 1"})
    EXPECT_EQ(refusal(shape), "read") << shape;
  for (const char* shape : {"4294967296, 4294967296, 2", "4611686018427387906", "0,", ""})
    EXPECT_NE(refusal(shape).find("length"), std::string::npos) << shape << ": the product wraps around";
  for (const char* shape : {"-2, -1", "2;", "18446744073709551618", "2,,", "a"})
    EXPECT_NE(refusal(shape).find("type"), std::string::npos) << shape;
  std::string many;
  while (many.size() < 65000) many += "1, ";
  EXPECT_EQ(refusal(many + "2"), "read");
  EXPECT_NE(refusal(std::string(65000, '1')).find("type"), std::string::npos);
}

}  // namespace
}  // namespace xai
