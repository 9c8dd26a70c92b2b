#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "xai/store/run_folder.hpp"

namespace xai::tools {

/// What a model says of many images: N rows of K softmax probabilities, kept in a file of the run. A row of
/// zeros is not known (yet). Rows may be set by several threads, each row by one.
class PredictionTable {
 public:
  /// Reads the file `name` of the run, where there is one of this shape.
  PredictionTable(const RunFolder& folder, std::filesystem::path name, std::size_t rows, int classes);

  std::size_t rows() const { return values_.size() / static_cast<std::size_t>(classes_); }
  bool known(std::size_t row) const;
  std::span<const float> row(std::size_t row) const;
  /// The largest of a known row.
  int arg_max(std::size_t row) const;
  /// All rows, one after the other.
  std::span<const float> values() const { return values_; }

  void set(std::size_t row, std::span<const float> probabilities);
  void save(const RunFolder& folder) const;

 private:
  std::filesystem::path name_;
  int classes_;
  std::vector<float> values_;
};

}  // namespace xai::tools
