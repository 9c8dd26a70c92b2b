#pragma once

#include <filesystem>
#include <vector>

namespace xai {

/// All files below a folder in order, but for temporary ones. Links are not followed.
std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder);

/// Makes `target`, whose folder is there, the file `source` without copying its bytes, where the file system
/// allows that: as a second name, or as a clone. What is written there later replaces a file and never
/// changes it. Throws IoError.
void link_or_copy(const std::filesystem::path& source, const std::filesystem::path& target);

}  // namespace xai
