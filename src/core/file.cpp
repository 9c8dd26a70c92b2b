#include "xai/core/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

namespace xai {
namespace {

const char* remedy(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return "free some space and run again";
    case EIO:
    case ESTALE:
      return "check the disk or its server, and run again";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a place where you have the permission";
    case ENOENT:
      return "check the path";
    case EFBIG:
      return "raise the limit of file sizes (ulimit -f)";
    case ENAMETOOLONG:
      return "choose a shorter name";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    case ELOOP:
      return "it is a symbolic link, or behind a loop of them: remove it";
    default:
      return "check the file system";
  }
}

}  // namespace

IoError io_error(std::string_view action, const std::filesystem::path& path, int error_number) {
  return IoError(cat("cannot ", action, " ", path.string(), ": ", std::strerror(error_number), "; ",
                     remedy(error_number)));
}

FileDescriptor::FileDescriptor(const std::filesystem::path& path, int flags)
    : descriptor_(open(path.c_str(), flags | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) throw io_error((flags & O_CREAT) != 0 ? "create" : "open", path, errno);
}

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (descriptor_ >= 0) close(descriptor_);
}

void write_all(const FileDescriptor& file, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const auto count = write(file.get(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw io_error("write", path, count == 0 ? EIO : errno);
    content.remove_prefix(static_cast<std::size_t>(count));
  }
}

void sync(const FileDescriptor& file, const std::filesystem::path& path) {
  int problem = 0;
  do problem = fsync(file.get()) == 0 ? 0 : errno;
  while (problem == EINTR);
  // a file system that has nothing to sync, e.g. for folders
  if (problem != 0 && problem != EINVAL && problem != EOPNOTSUPP) throw io_error("sync", path, problem);
}

AtomicFile::AtomicFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(path_.string() + ".tmp") {
  unlink(temporary_.c_str());  // of a killed process, or a link that leads elsewhere
  file_ = FileDescriptor(temporary_, O_WRONLY | O_CREAT | O_EXCL);
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view content) {
  write_all(file_, content, path_);
}

void AtomicFile::commit() {
  sync(file_, path_);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) throw io_error("write", path_, errno);
  temporary_.clear();
  const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  sync(FileDescriptor(folder, O_RDONLY | O_DIRECTORY), folder);
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

std::string read_file(const std::filesystem::path& path) {
  const FileDescriptor file(path, O_RDONLY);
  std::string content;
  std::vector<char> block(1 << 16);
  while (const auto count = read(file.get(), block.data(), block.size())) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw io_error("read", path, errno);
    content.append(block.data(), static_cast<std::size_t>(count));
  }
  return content;
}

}  // namespace xai
