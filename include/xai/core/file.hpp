#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "xai/core/error.hpp"

namespace xai {

/// The error for `action` ("write", "open", ...) on `path` having failed with `error_number` (an errno
/// value): what, where, why, and what to do, e.g. to free some space.
IoError io_error(std::string_view action, const std::filesystem::path& path, int error_number);

/// Owns a POSIX file descriptor; -1 owns nothing.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  /// open(2), close-on-exec; new files get permission 0666 less the umask. Throws IoError.
  FileDescriptor(const std::filesystem::path& path, int flags);
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  int get() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

/// Writes all of `content` at the descriptor's position, in one write(2) where the system allows it.
/// Throws IoError naming `path`; a part may then have been written.
void write_all(const FileDescriptor& file, std::string_view content, const std::filesystem::path& path);

/// fsync(2); throws IoError naming `path`.
void sync(const FileDescriptor& file, const std::filesystem::path& path);

/// Writes a file so that a reader, or a crash, sees the old content or the new and nothing between: temporary
/// name in the same folder, then commit(). Without commit() the old file stays and the temporary one is
/// removed.
class AtomicFile {
 public:
  /// Throws IoError, as all the others.
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::string_view content);
  /// Of the temporary file.
  int descriptor() const { return file_.get(); }
  /// fsync, rename, fsync of the folder.
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  FileDescriptor file_;
};

/// Replaces `path` by `content` in one AtomicFile step.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// The whole content of a file. Throws IoError.
std::string read_file(const std::filesystem::path& path);

}  // namespace xai
