#pragma once

#include <sys/mount.h>

#include <string>

#include "temporary_folder.hpp"

namespace xai {

/// A file system of `kilobytes`, mounted on a folder of its own; needs root. mounted() tells whether it
/// worked.
class SmallDisk {
 public:
  explicit SmallDisk(int kilobytes) {
    const std::string options = "size=" + std::to_string(kilobytes) + "k";
    mounted_ = mount("xai-test", folder_.path().c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(folder_.path().c_str(), MNT_DETACH);
  }

  bool mounted() const { return mounted_; }
  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return folder_ / name; }

 private:
  TemporaryFolder folder_;
  bool mounted_ = false;
};

}  // namespace xai
