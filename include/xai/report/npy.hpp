#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace xai {

/// The bytes of an NPY file (format 1.0) of float32, row-major: numpy.load reads it. The product of `shape`
/// must be values.size().
std::string encode_npy(std::span<const float> values, const std::vector<std::int64_t>& shape);

}  // namespace xai
