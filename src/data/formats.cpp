#include "formats.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "text_file.hpp"
#include "xai/core/file.hpp"

namespace xai::internal {
namespace {

namespace fs = std::filesystem;
using std::string_view_literals::operator""sv;

struct Signature {
  std::string_view bytes;
  std::string_view format;
  Decoder decode = nullptr;
  std::size_t at = 0;
};

// the first that fits
const auto signatures = std::to_array<Signature>({
    {"\xFF\xD8\xFF"sv, "JPEG", decode_jpeg},
    {"\x89PNG\r\n\x1A\n"sv, "PNG", decode_png},
    {"WEBP"sv, "WebP", decode_webp, 8},
    {"BM"sv, "BMP", decode_bmp},
    {"II*\0\x10\0\0\0CR"sv, "a camera's raw file (CR2)"},
    {"II*\0"sv, "TIFF", decode_tiff},
    {"MM\0*"sv, "TIFF", decode_tiff},
    {"II+\0"sv, "TIFF", decode_tiff},
    {"MM\0+"sv, "TIFF", decode_tiff},
    {"GIF8"sv, "GIF", decode_gif},
    {"P7\n"sv, "PAM"},
    {"PF\n"sv, "PFM"},
    {"Pf\n"sv, "PFM"},
    {"ftypavif"sv, "AVIF", nullptr, 4},
    {"ftypavis"sv, "AVIF", nullptr, 4},
    {"ftyphei"sv, "HEIC", nullptr, 4},
    {"ftyphev"sv, "HEIC", nullptr, 4},
    {"ftypmif1"sv, "HEIC or AVIF", nullptr, 4},
    {"ftypmsf1"sv, "HEIC or AVIF", nullptr, 4},
    {"ftypcrx"sv, "a camera's raw file (CR3)", nullptr, 4},
    {"ftyp"sv, "a video (MP4 or the like)", nullptr, 4},
    {"\0\0\0\x0CJXL "sv, "JPEG XL"},
    {"\xFF\x0A"sv, "JPEG XL"},
    {"\0\0\0\x0CjP  "sv, "JPEG 2000"},
    {"\xFF\x4F\xFF\x51"sv, "JPEG 2000"},
    {"II\xBC\x01"sv, "JPEG XR"},
    {"8BPS"sv, "Photoshop (PSD)"},
    {"%PDF"sv, "PDF"},
    {"%!PS"sv, "PostScript"},
    {"<svg"sv, "SVG"},
    {"<!DOCTYPE svg"sv, "SVG"},
    {"<!DOCTYPE"sv, "HTML (a web page in the place of an image?)"},
    {"<!doctype"sv, "HTML (a web page in the place of an image?)"},
    {"<html"sv, "HTML (a web page in the place of an image?)"},
    {"version https://git-lfs"sv, "a Git LFS pointer (fetch the file itself)"},
    {"\0\0\1\0"sv, "ICO"},
    {"v/1\x01"sv, "OpenEXR"},
    {"#?RADIANCE"sv, "Radiance HDR"},
    {"DDS "sv, "DDS"},
    {"qoif"sv, "QOI"},
    {"DICM"sv, "DICOM", nullptr, 128},
    {"\x93NUMPY"sv, "NumPy's (NPY)"},
    {"\x89HDF"sv, "HDF5"},
    {"PAR1"sv, "Parquet"},
    {"RIFF"sv, "RIFF (a video or sound)"},
});

const auto packed = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"\x1F\x8B"sv, "gunzip"},
    {"BZh"sv, "bunzip2"},
    {"\xFD"
     "7zXZ"sv,
     "unxz"},
    {"\x28\xB5\x2F\xFD"sv, "unzstd"},
    {"PK\3\4"sv, "unzip"},
    {"7z\xBC\xAF"sv, "7z x"},
    {"Rar!"sv, "unrar x"},
});

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// P1 to P6, a blank, and a number or a comment.
bool is_pnm(std::string_view head) {
  constexpr std::string_view blanks = " \t\r\n";
  if (head.size() < 3 || head[0] != 'P' || head[1] < '1' || head[1] > '6') return false;
  const auto next = head.find_first_not_of(blanks, 2);
  return next != 2 && (next == std::string_view::npos || head[next] == '#' || is_digit(head[next]));
}

/// A regular file, opened; what else is there says so, and does not block.
FileDescriptor open_image_file(const fs::path& file) {
  std::error_code error;
  const auto status = fs::status(file, error);
  if (!fs::exists(status)) {
    const bool dangles = fs::is_symlink(fs::symlink_status(file));
    const bool missing = !error || error == std::errc::no_such_file_or_directory;
    throw BadImage(!missing  ? error.message()
                   : dangles ? "no such file: a symbolic link to nothing"
                             : "no such file");
  }
  require<BadImage>(fs::is_regular_file(status), "it is not a regular file");
  return {file, O_RDONLY | O_NONBLOCK};
}

}  // namespace

Format format_of(Bytes head) {
  const std::string_view text = text_of(head);
  for (const Signature& known : signatures)
    if (text.size() > known.at && text.substr(known.at).starts_with(known.bytes))
      return {known.format, known.decode};
  if (is_pnm(text)) return {"PNM", decode_pnm};
  if (text.find("<svg") != text.npos && trimmed(text).starts_with('<')) return {"SVG"};
  return {};
}

std::string_view unpacker_of(Bytes head) {
  for (const auto& [signature, program] : packed)
    if (text_of(head).starts_with(signature)) return program;
  return "";
}

std::string read_source(const ImageSource& source, std::size_t most) {
  require<BadImage>(source.fault.empty(), source.fault);
  try {
    const FileDescriptor file = open_image_file(source.file);
    const auto size = static_cast<std::size_t>(source.size ? *source.size : fs::file_size(source.file));
    return read_at(file, source.offset, std::min(size, most));
  } catch (const IoError& failure) {
    throw BadImage(failure.what());
  } catch (const fs::filesystem_error& failure) {
    throw BadImage(failure.code().message());
  }
}

std::string read_at(const FileDescriptor& file, std::uint64_t offset, std::size_t count) {
  std::string content(count, '\0');
  std::size_t have = 0;
  while (have < count) {
    const auto got =
        pread(file.get(), content.data() + have, count - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    require<BadImage>(got >= 0, "it cannot be read: ", std::strerror(errno));
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  content.resize(have);
  return content;
}

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

bool has_image_extension(const fs::path& path) {
  static const auto words = split_words(image_extensions);
  return std::find(words.begin(), words.end(), lower_case(path.extension().string())) != words.end();
}

std::string kind_by_name(const fs::path& path) {
  const std::string extension = lower_case(path.extension().string());
  return extension.empty() ? "without extension" : extension;
}

bool is_nameless_image(const fs::path& name, const ImageSource& source) {
  if (name.has_extension()) return false;
  try {
    return format_of(bytes_of(read_source(source, head_bytes))).decode != nullptr;
  } catch (const BadImage&) {
    return false;  // not known to be an image
  }
}

}  // namespace xai::internal
