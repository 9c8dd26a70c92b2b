#pragma once

#include <filesystem>

namespace xai {

/// Makes the folders that `name`, a file in `folder`, lies in. Throws IoError, also where one of them is a
/// symbolic link, and Error where the name leads out of `folder`.
void make_folders(const std::filesystem::path& folder, const std::filesystem::path& name);

}  // namespace xai
