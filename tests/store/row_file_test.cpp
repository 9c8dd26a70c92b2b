#include "xai/store/row_file.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "temporary_folder.hpp"
#include "xai/store/npy.hpp"

namespace xai {
namespace {

using Row = std::vector<float>;

RowFile open_rows(const std::filesystem::path& path, std::int64_t rows = 5, std::int64_t columns = 3) {
  return RowFile(path, "<f4", {rows, columns}, sizeof(float) * static_cast<std::size_t>(columns));
}

std::vector<std::byte> bytes_of(const Row& row) {
  const auto bytes = std::as_bytes(std::span(row));
  return {bytes.begin(), bytes.end()};
}

Row read(const RowFile& file, std::size_t index) {
  Row row(3);
  file.read(index, std::as_writable_bytes(std::span(row)));
  return row;
}

TEST(RowFile, IsAnArrayThatIsWrittenInPlace) {
  const TemporaryFolder folder;
  RowFile file = open_rows(folder / "below" / "rows.npy");
  file.write(3, bytes_of({1, 2, 3}));
  file.write(0, bytes_of({4, 5, 6}));
  EXPECT_EQ(read(file, 3), (Row{1, 2, 3}));
  const FloatArray array = read_npy(folder / "below" / "rows.npy");
  EXPECT_EQ(array.shape, (std::vector<std::int64_t>{5, 3}));
  EXPECT_EQ(array.values, (Row{4, 5, 6, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0}));
}

TEST(RowFile, KeepsItsRowsWhenItIsOpenedAgain) {
  const TemporaryFolder folder;
  open_rows(folder / "rows.npy").write(1, bytes_of({1, 2, 3}));
  const RowFile file = open_rows(folder / "rows.npy");
  std::vector<Row> rows;
  file.for_each([&](std::size_t index, std::span<const std::byte> bytes) {
    EXPECT_EQ(index, rows.size());
    rows.emplace_back(3);
    std::memcpy(rows.back().data(), bytes.data(), bytes.size());
  });
  EXPECT_EQ(rows, (std::vector<Row>{{0, 0, 0}, {1, 2, 3}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}}));
}

TEST(RowFile, StartsAnewWhereTheShapeIsAnotherOrTheFileIsCut) {
  const TemporaryFolder folder;
  open_rows(folder / "rows.npy").write(1, bytes_of({1, 2, 3}));
  EXPECT_EQ(read(open_rows(folder / "rows.npy", 6), 1), (Row{0, 0, 0}));
  open_rows(folder / "rows.npy").write(1, bytes_of({1, 2, 3}));
  std::filesystem::resize_file(folder / "rows.npy", 140);
  EXPECT_EQ(read(open_rows(folder / "rows.npy"), 1), (Row{0, 0, 0}));
}

TEST(RowFile, SaysWhichFileCannotBeWritten) {
  EXPECT_THROW(open_rows("/dev/null/rows.npy"), IoError);
}

}  // namespace
}  // namespace xai
