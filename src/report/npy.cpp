#include "xai/report/npy.hpp"

#include <algorithm>
#include <bit>

#include "xai/core/error.hpp"

namespace xai {

static_assert(std::endian::native == std::endian::little, "encode_npy writes the machine's own byte order");

namespace {

/// Everything before the values. `shape` as a Python tuple's items: "28,28,".
std::string npy_header(std::string_view dtype, std::string_view shape) {
  std::string header = cat("{'descr': ", dtype, ", 'fortran_order': False, 'shape': (", shape, "), }");
  constexpr std::size_t before_header = 10, alignment = 64;
  header.append(alignment - 1 - (before_header + header.size()) % alignment, ' ');
  header += '\n';

  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header;
}

template <class T>
void append_bytes(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

std::string encode_npy(std::span<const float> values, const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  std::string sizes;
  for (const std::int64_t size : shape) {
    count *= size;
    sizes += cat(size, ",");
  }
  require(count == static_cast<std::int64_t>(values.size()), "an array of shape (", sizes, ") does not have ",
          values.size(), " values");
  std::string bytes = npy_header("'<f4'", sizes);
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return bytes;
}

std::string encode_scores(const std::unordered_map<PatchSet, double>& scores) {
  std::vector<PatchSet> sets;
  for (const auto& [set, p] : scores) sets.push_back(set);
  std::sort(sets.begin(), sets.end());
  std::string bytes = npy_header("[('set', '<u8', (4,)), ('p', '<f4')]", cat(sets.size(), ","));
  for (const PatchSet& set : sets) {
    append_bytes(bytes, set.words());
    append_bytes(bytes, static_cast<float>(scores.at(set)));
  }
  return bytes;
}

}  // namespace xai
