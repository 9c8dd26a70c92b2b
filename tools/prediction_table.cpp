#include "prediction_table.hpp"

#include <algorithm>

#include "xai/core/error.hpp"
#include "xai/core/log.hpp"
#include "xai/store/npy.hpp"

namespace xai::tools {

PredictionTable::PredictionTable(const RunFolder& folder, std::filesystem::path name, std::size_t rows,
                                 int classes)
    : name_(std::move(name)), classes_(classes), values_(rows * static_cast<std::size_t>(classes)) {
  const auto file = folder.path() / name_;
  if (!std::filesystem::exists(file)) return;
  try {
    FloatArray earlier = read_npy(file);
    if (earlier.shape == std::vector<std::int64_t>{static_cast<std::int64_t>(rows), classes})
      values_ = std::move(earlier.values);
  } catch (const DataError& error) {
    log::warning(error.what(), ", which this run does");
  }
}

bool PredictionTable::known(std::size_t row) const {
  const auto values = this->row(row);
  return std::any_of(values.begin(), values.end(), [](float p) { return p > 0; });
}

std::span<const float> PredictionTable::row(std::size_t row) const {
  const auto columns = static_cast<std::size_t>(classes_);
  return std::span(values_).subspan(row * columns, columns);
}

int PredictionTable::arg_max(std::size_t row) const {
  const auto values = this->row(row);
  return static_cast<int>(std::max_element(values.begin(), values.end()) - values.begin());
}

void PredictionTable::set(std::size_t row, std::span<const float> probabilities) {
  std::copy(probabilities.begin(), probabilities.end(),
            values_.begin() + static_cast<std::ptrdiff_t>(row) * classes_);
}

void PredictionTable::save(const RunFolder& folder) const {
  folder.write_file(name_, encode_npy(values_, {static_cast<std::int64_t>(rows()), classes_}));
}

}  // namespace xai::tools
