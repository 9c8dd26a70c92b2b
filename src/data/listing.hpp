#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "xai/data/data_set.hpp"

namespace xai::internal {

/// What lies in a folder or a tar.
struct Listing {
  std::vector<ImageEntry> images;        ///< and folders that cannot be read
  std::map<std::string, long> left_out;  ///< files that are no images by their names, by kind

  /// "12 .xml, 1 .heic", the most frequent first; "" where nothing is.
  std::string left_out_text() const;
};

/// Of a folder and those in it, but for those that `leaves_out` names with all that they hold. Throws
/// DataError where the folder itself cannot be read.
Listing list_folder(const std::filesystem::path& root,
                    const std::function<bool(const std::filesystem::path& folder)>& leaves_out);

/// Of a plain tar. Throws DataError where it is cut short or damaged.
Listing list_tar(const std::filesystem::path& file);

/// Whether the first bytes of a file are a tar's.
bool is_tar(std::string_view head);

}  // namespace xai::internal
