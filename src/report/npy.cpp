#include "xai/report/npy.hpp"

#include <bit>

#include "xai/core/error.hpp"

namespace xai {

static_assert(std::endian::native == std::endian::little, "encode_npy writes the machine's own byte order");

std::string encode_npy(std::span<const float> values, const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  std::string sizes;
  for (const std::int64_t size : shape) {
    count *= size;
    sizes += cat(size, ",");
  }
  require(count == static_cast<std::int64_t>(values.size()), "an array of shape (", sizes, ") does not have ",
          values.size(), " values");
  std::string header = cat("{'descr': '<f4', 'fortran_order': False, 'shape': (", sizes, "), }");
  constexpr std::size_t before_header = 10, alignment = 64;
  header.append(alignment - 1 - (before_header + header.size()) % alignment, ' ');
  header += '\n';

  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return bytes;
}

}  // namespace xai
