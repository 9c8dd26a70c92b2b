#include "xai/store/prediction_store.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "temporary_folder.hpp"

namespace xai {
namespace {

using Row = std::vector<float>;

/// What a crash of the machine leaves of a row: bytes `first` to `last` are not on the disk.
void lose(const std::filesystem::path& file, std::size_t rows, const Row& row, std::size_t first,
          std::size_t last) {
  std::vector<std::byte> bytes(row.size() * sizeof(float));
  RowFile raw(file, "<f4", {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(row.size())},
              bytes.size());
  raw.read(0, bytes);
  std::memset(bytes.data() + first, 0, last - first);
  raw.write(0, bytes);
}

TEST(PredictionStore, ATornRowIsNotKnown) {
  const TemporaryFolder folder;
  const auto file = folder / "model.npy";
  for (const Row& row :
       {Row{0.9999f, 0.00005f, 0.00005f, 0}, Row{0.2f, 0.9f, 0.7f, 0.5f}, Row{0, 0, 1, 0}})  // sigmoids, too
    for (std::size_t first = 0; first < 16; first += 4)
      for (std::size_t last = first + 4; last <= 16; last += 4) {
        { PredictionStore(file, 3, 4).write(0, row); }
        {
          const PredictionStore whole(file, 3, 4);
          EXPECT_TRUE(whole.known(0));
          EXPECT_FALSE(whole.known(1));
          EXPECT_EQ(whole.row(0), row);
          for (const float p : whole.row(0)) EXPECT_FALSE(std::signbit(p));
        }
        lose(file, 3, row, first, last);
        EXPECT_FALSE(PredictionStore(file, 3, 4).known(0)) << first << " " << last;
      }
}

TEST(ContentStore, ATornHashIsNoOtherPhotograph) {
  const TemporaryFolder folder;
  const auto file = folder / "content.npy";
  const std::string content(64, 'a');
  {
    RowFile raw(file, "|S64", {1}, 64);
    std::vector<std::byte> half(64);
    std::memcpy(half.data(), content.data(), 32);
    raw.write(0, half);
  }
  ContentStore store(file, 1);
  EXPECT_NO_THROW(store.check(0, content));
  EXPECT_NO_THROW(store.check(0, content));
  EXPECT_THROW(store.check(0, std::string(64, 'b')), DataError);
}

}  // namespace
}  // namespace xai
