#include "linked_files.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "xai/core/error.hpp"
#include "xai/core/file.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;

void make_folder_of(const fs::path& file) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) throw io_error("create folder", file.parent_path(), error.value());
}

std::int64_t size_of(const FileDescriptor& file, const fs::path& path) {
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) throw io_error("read", path, errno);
  return facts.st_size;
}

void read_at(const FileDescriptor& file, std::int64_t place, std::span<char> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = pread(file.get(), bytes.data(), bytes.size(), place);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw io_error("read", path, count == 0 ? EIO : errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    place += count;
  }
}

void write_at(const FileDescriptor& file, std::int64_t place, std::span<const char> bytes,
              const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(file.get(), bytes.data(), bytes.size(), place);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw io_error("write", path, count == 0 ? EIO : errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    place += count;
  }
}

/// Where data lies in a file from `place` on, and where it ends: EOF for both where there is none.
std::pair<std::int64_t, std::int64_t> data_from(const FileDescriptor& file, std::int64_t place,
                                                std::int64_t size) {
  const off_t begin = lseek(file.get(), place, SEEK_DATA);
  if (begin < 0) return errno == ENXIO ? std::pair(size, size) : std::pair(place, size);
  const off_t end = lseek(file.get(), begin, SEEK_HOLE);
  return {begin, end < 0 ? size : end};
}

}  // namespace

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.symlink_status().type() == fs::file_type::regular && entry.path().extension() != ".tmp")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

void link_or_copy(const fs::path& source, const fs::path& target) {
  make_folder_of(target);
  if (::link(source.c_str(), target.c_str()) == 0) return;
  require<DataError>(errno != EEXIST, target.string(), " is of two shards, one of which is ",
                     source.string());
  const FileDescriptor from(source, O_RDONLY);
  AtomicFile to(target);
  if (ioctl(to.descriptor(), FICLONE, from.get()) != 0) {
    const std::int64_t size = size_of(from, source);
    std::vector<char> block(1 << 20);
    for (std::int64_t place = 0; place < size;) {
      const auto bytes =
          std::span(block).first(static_cast<std::size_t>(std::min<std::int64_t>(size - place, 1 << 20)));
      read_at(from, place, bytes, source);
      to.write({bytes.data(), bytes.size()});
      place += static_cast<std::int64_t>(bytes.size());
    }
  }
  to.commit();
}

void add_rows(const fs::path& source, const fs::path& target) {
  make_folder_of(target);
  const FileDescriptor from(source, O_RDONLY), to(target, O_RDWR | O_CREAT | O_NOFOLLOW);
  const std::int64_t size = size_of(from, source), before = size_of(to, target);
  require<DataError>(before == 0 || before == size, source.string(), " and ", target.string(),
                     " are of unlike data");
  if (ftruncate(to.get(), size) != 0) throw io_error("write", target, errno);
  std::vector<char> read(1 << 20), there(1 << 20);
  for (std::int64_t place = 0; place < size;) {
    const auto [begin, end] = data_from(from, place, size);
    if (begin >= size) break;
    const auto count = static_cast<std::size_t>(std::min<std::int64_t>(end - begin, 1 << 20));
    read_at(from, begin, std::span(read).first(count), source);
    read_at(to, begin, std::span(there).first(count), target);
    std::transform(read.begin(), read.begin() + static_cast<std::ptrdiff_t>(count), there.begin(),
                   there.begin(), [](char a, char b) { return static_cast<char>(a | b); });
    write_at(to, begin, std::span(there).first(count), target);
    place = begin + static_cast<std::int64_t>(count);
  }
}

}  // namespace xai
