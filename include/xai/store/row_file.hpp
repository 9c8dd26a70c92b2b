#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "xai/core/file.hpp"
#include "xai/store/run_folder.hpp"

namespace xai {

/// An NPY file of rows of equal size that are written in place, each once and in any order: an array too
/// large for memory. What was not written is zero and takes no disk. Rows may be read and written by several
/// threads at once, each row by one.
class RowFile {
 public:
  /// Opens `path`, or creates it where there is none, or one of another shape. `type`: NumPy's name of an
  /// element, "<f4" or "|S64"; `shape`: rows first; `row_bytes`: of one row. Throws IoError. Where it is only
  /// looked at, one that would be created has no rows to read.
  RowFile(std::filesystem::path path, const std::string& type, const std::vector<std::int64_t>& shape,
          std::size_t row_bytes, RunAccess access = RunAccess::write);

  std::size_t rows() const { return rows_; }
  /// `row` is of row_bytes.
  void read(std::size_t index, std::span<std::byte> row) const;
  void write(std::size_t index, std::span<const std::byte> row);
  /// Calls use(index, row) for every row that is there, in order.
  void for_each(const std::function<void(std::size_t, std::span<const std::byte>)>& use) const;

 private:
  std::int64_t place_of(std::size_t index) const {
    return header_bytes_ + static_cast<std::int64_t>(index * row_bytes_);
  }
  void read_at(std::int64_t place, std::span<std::byte> bytes) const;
  void write_at(std::int64_t place, std::span<const std::byte> bytes);

  std::filesystem::path path_;
  std::size_t rows_;
  std::size_t row_bytes_;
  std::int64_t header_bytes_ = 0;
  FileDescriptor file_;
};

/// Adds the rows of a RowFile to those of another one: each row is written in one of them at most, and zero
/// in the other. `target` is made where there is none. Throws DataError where the files are unlike, IoError.
void add_rows(const std::filesystem::path& source, const std::filesystem::path& target);

}  // namespace xai
