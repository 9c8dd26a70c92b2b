#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "xai/store/row_file.hpp"

namespace xai {

/// What a model says of many images: N rows of K softmax probabilities in an NPY file of the run, written
/// once each. A row of zeros is not known (yet). Memory: a byte a row. Rows may be used by several threads,
/// each row by one.
class PredictionStore {
 public:
  PredictionStore(const std::filesystem::path& file, std::size_t rows, int classes,
                  RunAccess access = RunAccess::write);

  std::size_t rows() const { return known_.size(); }
  bool known(std::size_t row) const { return known_[row] != 0; }
  /// K probabilities.
  std::vector<float> row(std::size_t row) const;
  void write(std::size_t row, std::span<const float> probabilities);

 private:
  int classes_;
  RowFile file_;
  std::vector<char> known_;
};

/// The labels of the photographs that the predictions are of: N numbers, label + 1.
class LabelStore {
 public:
  LabelStore(const std::filesystem::path& file, std::size_t rows, RunAccess access = RunAccess::write);

  std::size_t rows() const { return file_.rows(); }
  std::optional<int> label(std::size_t row) const;
  void write(std::size_t row, int label);

 private:
  RowFile file_;
};

/// The SHA-256 of the photographs that the predictions are of, N texts of 64 hex digits: whoever opens one
/// again finds out whether it is the same.
class ContentStore {
 public:
  ContentStore(const std::filesystem::path& file, std::size_t rows, RunAccess access = RunAccess::write);

  /// Keeps the content of a photograph that was read. Throws DataError where it was another before.
  void check(std::size_t row, const std::string& content);

 private:
  RowFile file_;
};

}  // namespace xai
