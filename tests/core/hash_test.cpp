#include "xai/core/hash.hpp"

#include <gtest/gtest.h>

#include "temporary_folder.hpp"
#include "xai/core/file.hpp"

namespace xai {
namespace {

// FIPS 180-2, appendix B
TEST(Hash, KnowsThePublishedDigests) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Hash, OfAFileIsThatOfItsBytes) {
  const TemporaryFolder folder;
  std::string content(3 << 20, '\0');  // several read blocks, zero bytes included
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * i >> 3);
  write_file_atomically(folder / "model.pt", content);
  EXPECT_EQ(sha256_file(folder / "model.pt"), sha256(content));
  EXPECT_THROW(sha256_file(folder / "missing"), IoError);
}

}  // namespace
}  // namespace xai
