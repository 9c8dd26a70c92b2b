#include "targets.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "xai/core/file.hpp"
#include "xai/core/log.hpp"

namespace xai::fuzz {
namespace {

namespace fs = std::filesystem;

class ScratchFolder {
 public:
  ScratchFolder() {
    const char* const chosen = std::getenv("TMPDIR");
    const fs::path memory = "/dev/shm";
    const fs::path base = chosen ? fs::path(chosen) : access(memory.c_str(), W_OK) == 0 ? memory : "/tmp";
    std::string pattern = (base / "xai-fuzz-XXXXXX").string();
    const char* const made = mkdtemp(pattern.data());
    require<IoError>(made, "no folder in ", base.string());
    path_ = made;
    log::set_level(log::Level::off);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

const std::vector<Target>& targets() {
  static const auto all = [] {
    std::vector<Target> list;
    for (const auto& some :
         {card_targets(), config_targets(), data_targets(), image_targets(), store_targets()})
      list.insert(list.end(), some.begin(), some.end());
    return list;
  }();
  return all;
}

const fs::path& scratch() {
  static const ScratchFolder folder;
  return folder.path();
}

fs::path write(const fs::path& name, std::string_view content) {
  fs::path path = scratch() / name;
  static std::string last;  // its folder is there
  if (std::string folder = path.parent_path().string(); folder != last) {
    fs::create_directories(folder);
    last = std::move(folder);
  }
  const FileDescriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
  write_all(file, content, path);
  return path;
}

std::pair<std::string_view, std::string_view> parts(std::string_view input, std::string_view mark) {
  const auto at = input.find(mark);
  if (at == input.npos) return {input, {}};
  return {input.substr(0, at), input.substr(at + mark.size())};
}

bool stays_below(const fs::path& path) {
  if (path.empty() || path.is_absolute()) return false;
  for (const fs::path& part : path)
    if (part == "..") return false;
  return path.native().find('\0') == std::string::npos;
}

}  // namespace xai::fuzz
