#include "owned_files.hpp"

#include <algorithm>
#include <array>

namespace xai::internal {
namespace {

namespace fs = std::filesystem;

constexpr std::array endings = {".png", ".npy", ".dot", ".svg", ".tmp"};  // of files in owned folders

/// Leads to a place in `folder` by real folders alone.
bool lies_within(const fs::path& folder, const fs::path& path) {
  if (path.empty() || path.is_absolute()) return false;
  fs::path place = folder;
  for (const fs::path& part : path.parent_path()) {
    place /= part;
    if (fs::is_symlink(place)) return false;
  }
  return std::none_of(path.begin(), path.end(),
                      [](const fs::path& part) { return part == ".." || part == "."; });
}

void remove_file(const fs::path& file) {
  for (const char* suffix : {"", ".tmp"})
    if (const fs::path name = file.string() + suffix; !fs::is_directory(fs::symlink_status(name)))
      fs::remove(name);
}

void remove_from_folder(const fs::path& folder) {
  std::error_code missing;
  std::vector<fs::path> folders = {folder};
  for (const auto& entry : fs::recursive_directory_iterator(folder, missing))
    if (entry.is_directory() && !entry.is_symlink())
      folders.push_back(entry.path());
    else if (std::find(endings.begin(), endings.end(), entry.path().extension()) != endings.end())
      fs::remove(entry.path());
  for (auto i = folders.rbegin(); i != folders.rend(); ++i)  // inner ones first
    if (fs::is_directory(*i) && fs::is_empty(*i)) fs::remove(*i);
}

}  // namespace

void remove_owned(const fs::path& folder, const std::vector<std::string>& owned) {
  for (const std::string& path : owned) {
    if (!lies_within(folder, path)) continue;
    if (path.ends_with('/'))
      remove_from_folder(folder / path);
    else
      remove_file(folder / path);
  }
  for (const char* name :
       {"results.jsonl", "summary.json", "summary.csv", "run.json"})  // what marks a run goes last
    remove_file(folder / name);
}

}  // namespace xai::internal
