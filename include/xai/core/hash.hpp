#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace xai {

/// SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);

/// SHA-256 of a file's content, read in blocks. Throws IoError where it cannot be read.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace xai
