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

std::int64_t size_of(const FileDescriptor& file, const std::filesystem::path& path) {
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) throw io_error("read", path, errno);
  return facts.st_size;
}

void read_all(const FileDescriptor& file, std::int64_t place, std::span<std::byte> bytes,
              const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = pread(file.get(), bytes.data(), bytes.size(), place);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw io_error("read", path, count == 0 ? EIO : errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    place += count;
  }
}

void write_all(const FileDescriptor& file, std::int64_t place, std::span<const std::byte> bytes,
               const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(file.get(), bytes.data(), bytes.size(), place);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw io_error("write", path, count == 0 ? EIO : errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    place += count;
  }
}

/// Bytes of a file that are not a hole.
struct Extent {
  std::int64_t begin, end;
};

/// The first from `place` on; begins at the file's size where there is none. Where the file system knows no
/// holes all is one.
Extent data_from(const FileDescriptor& file, std::int64_t place, std::int64_t size) {
  if (place >= size) return {size, size};
  const off_t begin = lseek(file.get(), place, SEEK_DATA);
  if (begin < 0) return errno == ENXIO ? Extent{size, size} : Extent{place, size};
  const off_t end = lseek(file.get(), begin, SEEK_HOLE);
  return {begin, end < 0 ? size : end};
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

  std::string found(header.size(), '\0');
  const bool whole = size_of(file_, path_) == place_of(rows_);
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
  read_all(file_, place, bytes, path_);
}

void RowFile::write_at(std::int64_t place, std::span<const std::byte> bytes) {
  write_all(file_, place, bytes, path_);
}

void add_rows(const std::filesystem::path& source, const std::filesystem::path& target) {
  const FileDescriptor from(source, O_RDONLY | O_NOFOLLOW), to(target, O_RDWR | O_CREAT | O_NOFOLLOW);
  const std::int64_t size = size_of(from, source), before = size_of(to, target);
  require<DataError>(before == 0 || before == size, source.string(), " and ", target.string(),
                     " are of unlike data");
  if (ftruncate(to.get(), size) != 0) throw io_error("write", target, errno);
  std::vector<std::byte> read(1 << 20), there(1 << 20);
  for (Extent data = data_from(from, 0, size); data.begin < size; data = data_from(from, data.begin, size)) {
    const auto count = static_cast<std::size_t>(std::min<std::int64_t>(data.end - data.begin, 1 << 20));
    read_all(from, data.begin, std::span(read).first(count), source);
    read_all(to, data.begin, std::span(there).first(count), target);
    for (std::size_t i = 0; i < count; ++i) there[i] |= read[i];
    write_all(to, data.begin, std::span(there).first(count), target);
    data.begin += static_cast<std::int64_t>(count);
  }
}

}  // namespace xai
