#include "prediction_store.hpp"

#include <cmath>
#include <cstring>

namespace xai {
namespace {

constexpr std::size_t digits = 64;

/// A row that was written to its end: a crash of the machine may leave a part of one.
bool is_whole(std::span<const std::byte> row) {
  double sum = 0;
  for (std::size_t i = 0; i < row.size(); i += sizeof(float)) {
    float p = 0;
    std::memcpy(&p, row.data() + i, sizeof p);
    sum += p;
  }
  return std::abs(sum - 1) < 1e-2;
}

}  // namespace

PredictionStore::PredictionStore(const std::filesystem::path& file, std::size_t rows, int classes,
                                 RunAccess access)
    : classes_(classes),
      file_(file, "<f4", {static_cast<std::int64_t>(rows), classes},
            sizeof(float) * static_cast<std::size_t>(classes), access),
      known_(rows) {
  file_.for_each(
      [this](std::size_t row, std::span<const std::byte> bytes) { known_[row] = is_whole(bytes); });
}

std::vector<float> PredictionStore::row(std::size_t row) const {
  std::vector<float> probabilities(static_cast<std::size_t>(classes_));
  file_.read(row, std::as_writable_bytes(std::span(probabilities)));
  return probabilities;
}

void PredictionStore::write(std::size_t row, std::span<const float> probabilities) {
  file_.write(row, std::as_bytes(probabilities));
  known_[row] = 1;
}

ContentStore::ContentStore(const std::filesystem::path& file, std::size_t rows, RunAccess access)
    : file_(file, "|S64", {static_cast<std::int64_t>(rows)}, digits, access) {}

void ContentStore::check(std::size_t row, const std::string& content) {
  std::string before(digits, '\0');
  file_.read(row, std::as_writable_bytes(std::span(before)));
  if (before.front() == '\0')
    file_.write(row, std::as_bytes(std::span(content)));
  else
    require<DataError>(
        before == content,
        "this photograph has changed since the run began (its SHA-256 is another): put the former one "
        "back, or start anew with 'overwrite'");
}

}  // namespace xai
