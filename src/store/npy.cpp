#include "xai/store/npy.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <functional>
#include <numeric>
#include <optional>

#include "xai/core/file.hpp"

namespace xai {

static_assert(std::endian::native == std::endian::little, "encode_npy writes the machine's own byte order");

namespace {

constexpr std::string_view magic("\x93NUMPY\x01\x00", 8);
constexpr std::size_t before_header = 10;  // the magic and the header's length, two bytes

template <class T>
void append_bytes(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// The sizes of "'shape': (2, 3)"; nothing where there is none, or a size that no file has.
std::optional<std::vector<std::int64_t>> shape_in(std::string_view header) {
  constexpr std::string_view before = "'shape': (";
  const auto at = header.find(before);
  if (at == header.npos) return std::nullopt;
  header.remove_prefix(at + before.size());
  std::vector<std::int64_t> shape;
  while (!header.starts_with(')')) {
    std::int64_t size = 0;
    const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), size);
    if (error != std::errc() || size < 0) return std::nullopt;
    shape.push_back(size);
    header.remove_prefix(static_cast<std::size_t>(end - header.data()));
    if (header.starts_with(',')) {
      header.remove_prefix(1);
      header.remove_prefix(header.starts_with(' '));
    } else if (!header.starts_with(')')) {
      return std::nullopt;
    }
  }
  return shape;
}

}  // namespace

std::string npy_header(std::string_view type, const std::vector<std::int64_t>& shape) {
  std::string sizes;
  for (const std::int64_t size : shape) sizes += cat(size, ",");
  const bool structured = type.starts_with('[');
  std::string header = cat("{'descr': ", structured ? "" : "'", type, structured ? "" : "'",
                           ", 'fortran_order': False, 'shape': (", sizes, "), }");
  constexpr std::size_t alignment = 64;
  header.append(alignment - 1 - (before_header + header.size()) % alignment, ' ');
  header += '\n';

  std::string bytes(magic);
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header;
}

std::string encode_npy(std::span<const float> values, const std::vector<std::int64_t>& shape) {
  const auto count = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  require(count == static_cast<std::int64_t>(values.size()), "an array of ", count, " values does not have ",
          values.size());
  std::string bytes = npy_header("<f4", shape);
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return bytes;
}

FloatArray read_npy(const std::filesystem::path& file) {
  const auto check = [&](bool fine, const char* what) {
    require<DataError>(fine, file.string(), " is no array of float32 by numpy.save: ", what,
                       "; make it anew");
  };
  check(std::filesystem::is_regular_file(file), "there is no such file");
  const std::string bytes = read_file(file);
  check(bytes.starts_with(magic) && bytes.size() > before_header, "it does not begin like one");
  const auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(bytes[i])}; };
  const std::size_t begin = before_header + (byte(8) | byte(9) << 8);
  check(bytes.size() >= begin, "it is cut short");
  const std::string header = bytes.substr(before_header, begin - before_header);
  const auto shape = shape_in(header);
  check(header.find("'descr': '<f4'") != header.npos &&
            header.find("'fortran_order': False") != header.npos && shape,
        "its type or order is another");

  FloatArray array{*shape, {}};
  const std::size_t most = bytes.size() / sizeof(float);
  std::size_t count = 1;
  for (const std::int64_t size : array.shape) {
    const auto factor = static_cast<std::size_t>(size);
    check(factor == 0 || count <= most / factor, "its length does not fit its shape");
    count *= factor;
  }
  check(bytes.size() - begin == count * sizeof(float), "its length does not fit its shape");
  array.values.resize(count);
  if (count > 0) std::memcpy(array.values.data(), bytes.data() + begin, count * sizeof(float));
  return array;
}

std::string encode_scores(const std::unordered_map<PatchSet, double>& scores) {
  std::vector<PatchSet> sets;
  for (const auto& [set, p] : scores) sets.push_back(set);
  std::sort(sets.begin(), sets.end());
  std::string bytes =
      npy_header("[('set', '<u8', (4,)), ('p', '<f4')]", {static_cast<std::int64_t>(sets.size())});
  for (const PatchSet& set : sets) {
    append_bytes(bytes, set.words());
    append_bytes(bytes, static_cast<float>(scores.at(set)));
  }
  return bytes;
}

}  // namespace xai
