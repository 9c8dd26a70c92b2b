#include "linked_files.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "xai/core/error.hpp"
#include "xai/core/file.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;

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
  if (::link(source.c_str(), target.c_str()) == 0) return;
  require<DataError>(errno != EEXIST, target.string(), " is of two shards, one of which is ",
                     source.string());
  const FileDescriptor from(source, O_RDONLY);
  AtomicFile to(target);
  if (ioctl(to.descriptor(), FICLONE, from.get()) != 0) to.write(read_file(source));
  to.commit();
}

}  // namespace xai
