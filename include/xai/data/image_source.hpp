#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace xai {

/// Where the bytes of an image are: a file, or a member of a tar, which is a part of one.
struct ImageSource {
  ImageSource() = default;
  ImageSource(std::filesystem::path whole) : file(std::move(whole)) {}  // NOLINT: a file is a source
  ImageSource(std::filesystem::path tar, std::uint64_t from, std::uint64_t bytes)
      : file(std::move(tar)), offset(from), size(bytes) {}

  std::filesystem::path file;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> size;  ///< all of the file where there is none
  std::string fault;                  ///< why it cannot be read, where that was seen before; or empty
};

}  // namespace xai
