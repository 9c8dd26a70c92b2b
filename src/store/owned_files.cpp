#include "owned_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include "xai/core/file.hpp"
#include "xai/store/real_folders.hpp"

namespace xai::internal {
namespace {

namespace fs = std::filesystem;

constexpr std::array endings = {".png", ".npy", ".dot", ".svg", ".tmp"};  // of files in owned folders
constexpr std::array always_owned = {"results.jsonl", "summary.json", "summary.csv",
                                     "run.json"};  // what marks a run goes last

/// Leads, as it is written, to a place below the folder that it begins in.
bool leads_inside(const fs::path& path) {
  return !path.empty() && !path.is_absolute() &&
         std::none_of(path.begin(), path.end(),
                      [](const fs::path& part) { return part == ".." || part == "."; });
}

/// Leads to a place in `folder` by real folders alone.
bool lies_within(const fs::path& folder, const fs::path& path) {
  if (!leads_inside(path)) return false;
  fs::path place = folder;
  for (const fs::path& part : path.parent_path()) {
    place /= part;
    if (fs::is_symlink(place)) return false;
  }
  return true;
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
  for (const char* name : always_owned) remove_file(folder / name);
}

void require_real(const fs::path& folder, const std::vector<std::string>& owned) {
  std::vector<std::string> names(always_owned.begin(), always_owned.end());
  names.insert(names.end(), {".lock", ".lock.held"});
  names.insert(names.end(), owned.begin(), owned.end());
  for (std::string name : names) {
    const bool is_folder = name.ends_with('/');
    if (is_folder) name.pop_back();  // a link with a slash behind it is what it leads to
    if (!leads_inside(name)) continue;
    std::error_code error;
    const auto type = fs::symlink_status(folder / name, error).type();
    const auto wanted = is_folder ? fs::file_type::directory : fs::file_type::regular;
    if (type == wanted || type == fs::file_type::not_found || error) continue;
    const char* const what = type == fs::file_type::symlink
                                 ? "a symbolic link, through which nothing is written"
                             : is_folder ? "no folder"
                                         : "no regular file";
    throw UsageError(
        cat("'", name, "' in ", folder.string(), " is ", what, "; remove it or choose another 'out'"));
  }
}

}  // namespace xai::internal

namespace xai {

namespace fs = std::filesystem;

void make_folders(const fs::path& folder, const fs::path& name) {
  require<Error>(internal::leads_inside(name), "'", name.string(), "' would lie outside ", folder.string());
  fs::path place = folder;
  for (const fs::path& part : name.parent_path()) {
    place /= part;
    std::error_code error;
    const auto type = fs::symlink_status(place, error).type();
    if (type == fs::file_type::directory) continue;
    if (type == fs::file_type::symlink) throw io_error("write into", place, ELOOP);
    fs::create_directory(place, error);
    if (error) throw io_error("create folder", folder / name.parent_path(), error.value());
  }
}

}  // namespace xai
