#include "xai/store/row_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "xai/store/npy.hpp"

namespace xai {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

RowFile::RowFile(std::filesystem::path path, const std::string& type, const std::vector<std::int64_t>& shape,
                 std::size_t row_bytes, RunAccess access)
    : path_(std::move(path)), rows_(static_cast<std::size_t>(shape.front())), row_bytes_(row_bytes) {
  const bool looks = access == RunAccess::look;
  std::error_code error;
  if (looks && !std::filesystem::exists(path_, error)) return;
  if (!looks) std::filesystem::create_directories(path_.parent_path(), error);
  if (error) throw io_error("create folder", path_.parent_path(), error.value());
  const std::string header = npy_header(type, shape);
  header_bytes_ = static_cast<std::int64_t>(header.size());
  file_ = FileDescriptor(path_, looks ? O_RDONLY : O_RDWR | O_CREAT | O_NOFOLLOW);

  struct stat facts {};
  if (fstat(file_.get(), &facts) != 0) throw io_error("read", path_, errno);
  std::string found(header.size(), '\0');
  const bool whole = facts.st_size == place_of(rows_);
  if (whole) read_at(0, std::as_writable_bytes(std::span(found)));
  if (found == header) return;
  if (looks) {
    file_ = FileDescriptor();
    return;
  }
  if (ftruncate(file_.get(), 0) != 0 || ftruncate(file_.get(), place_of(rows_)) != 0)
    throw io_error("write", path_, errno);
  write_at(0, bytes_of(header));
}

void RowFile::read(std::size_t index, std::span<std::byte> row) const {
  read_at(place_of(index), row.first(row_bytes_));
}

void RowFile::write(std::size_t index, std::span<const std::byte> row) {
  write_at(place_of(index), row.first(row_bytes_));
}

void RowFile::for_each(const std::function<void(std::size_t, std::span<const std::byte>)>& use) const {
  if (file_.get() < 0) return;
  const std::size_t at_once = std::max<std::size_t>(1, (1 << 20) / row_bytes_);
  std::vector<std::byte> bytes(at_once * row_bytes_);
  for (std::size_t first = 0; first < rows_; first += at_once) {
    const std::size_t count = std::min(at_once, rows_ - first);
    read_at(place_of(first), std::span(bytes).first(count * row_bytes_));
    for (std::size_t i = 0; i < count; ++i)
      use(first + i, std::span(bytes).subspan(i * row_bytes_, row_bytes_));
  }
}

void RowFile::read_at(std::int64_t place, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = pread(file_.get(), bytes.data(), bytes.size(), place);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw io_error("read", path_, count == 0 ? EIO : errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    place += count;
  }
}

void RowFile::write_at(std::int64_t place, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(file_.get(), bytes.data(), bytes.size(), place);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw io_error("write", path_, count == 0 ? EIO : errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    place += count;
  }
}

}  // namespace xai
