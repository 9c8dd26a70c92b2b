#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "decoders.hpp"
#include "xai/core/file.hpp"
#include "xai/data/image_source.hpp"

namespace xai::internal {

using Decoder = cv::Mat (*)(Bytes file, long max_pixels);

/// A file format, found by the file's first bytes.
struct Format {
  std::string_view name;     ///< empty where it is not known
  Decoder decode = nullptr;  ///< null for those that are not read
};

/// So many first bytes are enough for format_of().
constexpr std::size_t head_bytes = 512;
Format format_of(Bytes head);

/// The program that unpacks a compressed file or an archive that is no plain tar ("gunzip"); empty for other
/// files.
std::string_view unpacker_of(Bytes head);

/// The bytes of a source, all or the first ones. Throws BadImage where they cannot be read.
std::string read_source(const ImageSource& source, std::size_t most = static_cast<std::size_t>(-1));

/// `count` bytes of an open file, fewer at its end. Throws BadImage where they cannot be read.
std::string read_at(const FileDescriptor& file, std::uint64_t offset, std::size_t count);

Bytes bytes_of(std::string_view text);

/// The file types that are looked for, by extension; and whether `path` has one of them.
constexpr std::string_view image_extensions =
    ".jpeg .jpg .jpe .jfif .png .webp .bmp .tif .tiff .gif .ppm .pgm .pbm .pnm";
bool has_image_extension(const std::filesystem::path& path);
/// ".jpg", as it is counted; "without extension".
std::string kind_by_name(const std::filesystem::path& path);

/// A file without an extension that begins as an image that is read.
bool is_nameless_image(const std::filesystem::path& name, const ImageSource& source);

}  // namespace xai::internal
