#pragma once

#include <filesystem>
#include <vector>

namespace xai {

/// All files below a folder in order, but for temporary ones. Links are not followed.
std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder);

/// Makes `target` the file `source` without copying its bytes, where the file system allows that: as a second
/// name, or as a clone. What is written there later replaces a file and never changes it. Throws IoError.
void link_or_copy(const std::filesystem::path& source, const std::filesystem::path& target);

/// Adds the rows of a RowFile to those of another: each row is written in one of them and zero in the other.
/// `target` is made where there is none. Holes are passed over. Throws DataError where the files are unlike.
void add_rows(const std::filesystem::path& source, const std::filesystem::path& target);

}  // namespace xai
