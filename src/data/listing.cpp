#include "listing.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "formats.hpp"
#include "xai/core/error.hpp"

namespace xai::internal {
namespace {

namespace fs = std::filesystem;

/// Goes through a folder, and those in it.
class FolderWalk {
 public:
  using LeavesOut = std::function<bool(const fs::path& folder)>;

  FolderWalk(fs::path root, const LeavesOut& leaves_out) : root_(std::move(root)), leaves_out_(leaves_out) {}

  Listing list() {
    const std::string fault = walk(root_, "");
    require<DataError>(fault.empty(), fault);
    return std::move(listing_);
  }

 private:
  /// Returns why the folder cannot be read, or "".
  std::string walk(const fs::path& folder, const std::string& prefix) {
    const auto unreadable = [&folder](const std::string& why) {
      return cat("folder '", folder.string(), "' cannot be read: ", why);
    };
    struct stat status {};
    if (stat(folder.c_str(), &status) != 0) return unreadable(std::strerror(errno));
    const Place place{status.st_dev, status.st_ino};
    if (std::find(above_.begin(), above_.end(), place) != above_.end())
      return unreadable("a symbolic link to a folder that it lies in, a loop");
    if (++times_[place] > most_times)
      return unreadable(cat("more than ", most_times, " paths lead to it, by symbolic links"));
    std::error_code error;
    above_.push_back(place);
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
      take(*it, prefix + it->path().filename().string());
    above_.pop_back();
    return error ? unreadable(error.message()) : "";
  }

  void take(const fs::directory_entry& entry, const std::string& id) {
    const fs::path& path = entry.path();
    const std::string name = path.filename().string();
    if (name.starts_with('.') || name == "lost+found") return;
    std::error_code error;
    if (entry.is_directory(error)) {
      if (leaves_out_ && leaves_out_(path)) return;
      if (std::string fault = walk(path, id + '/'); !fault.empty()) add_folder(path, id, std::move(fault));
    } else if (has_image_extension(path)) {
      listing_.images.push_back({id, path});
    } else if (!entry.exists(error) && !path.has_extension()) {
      const bool dangles = !error || error == std::errc::no_such_file_or_directory;
      const std::string why = dangles ? "it is a symbolic link to nothing" : error.message();
      add_folder(path, id, cat("'", path.string(), "' cannot be read: ", why));
    } else if (is_nameless_image(path, path)) {
      listing_.images.push_back({id, path});
    } else {
      ++listing_.left_out[kind_by_name(path)];
    }
  }

  void add_folder(const fs::path& path, const std::string& id, std::string fault) {
    ImageEntry folder{id + '/', path};
    folder.source.fault = std::move(fault);
    listing_.images.push_back(std::move(folder));
  }

  using Place = std::pair<dev_t, ino_t>;
  static constexpr int most_times = 100;  // folders that link to each other have as many paths as one likes
  const fs::path root_;
  const LeavesOut& leaves_out_;
  std::vector<Place> above_;    ///< the folders that hold this one
  std::map<Place, int> times_;  ///< how often each was gone through
  Listing listing_;
};

}  // namespace

std::string Listing::left_out_text() const {
  std::vector<std::pair<std::string, long>> kinds(left_out.begin(), left_out.end());
  std::stable_sort(kinds.begin(), kinds.end(), [](auto& a, auto& b) { return a.second > b.second; });
  constexpr std::size_t shown = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(shown, kinds.size()); ++i)
    text += cat(i ? ", " : "", kinds[i].second, " ", kinds[i].first);
  if (kinds.size() > shown) text += cat(" and files of ", kinds.size() - shown, " other kinds");
  return text;
}

Listing list_folder(const fs::path& root, const std::function<bool(const fs::path& folder)>& leaves_out) {
  return FolderWalk(root, leaves_out).list();
}

}  // namespace xai::internal
