#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "xai/core/patch_set.hpp"

namespace xai {

/// What stands before the values of an NPY file (format 1.0), row-major. `type`: NumPy's, "<f4", or a list of
/// fields "[('set', ...), ...]".
std::string npy_header(std::string_view type, const std::vector<std::int64_t>& shape);

/// The bytes of an NPY file of float32, row-major: numpy.load reads it. The product of `shape`
/// must be values.size().
std::string encode_npy(std::span<const float> values, const std::vector<std::int64_t>& shape);

/// An array of float32, row-major.
struct FloatArray {
  std::vector<std::int64_t> shape;
  std::vector<float> values;  ///< as many as the product of `shape`
};

/// Reads what encode_npy() writes, or numpy.save of a C-contiguous float32 array. Throws DataError naming
/// `file` where it is missing, damaged or holds something else.
FloatArray read_npy(const std::filesystem::path& file);

/// The bytes of an NPY file of every evaluated patch set of an image and its p(S), ascending by set: a
/// structured array with the fields "set" (4 uint64, bit p of the 256 is patch p) and "p" (float32).
std::string encode_scores(const std::unordered_map<PatchSet, double>& scores);

}  // namespace xai
