#include "xai/store/prediction_store.hpp"

#include <cstdint>
#include <cstring>

namespace xai {
namespace {

constexpr std::size_t digits = 64;

/// A row that was written to its end. A crash of the machine may leave a part of one, and zeros: write()
/// leaves no number of zero bits.
bool is_whole(std::span<const std::byte> row) {
  for (std::size_t i = 0; i < row.size(); i += sizeof(std::uint32_t)) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, row.data() + i, sizeof bits);
    if (bits == 0) return false;
  }
  return true;
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
  for (float& p : probabilities) p += 0.0f;  // -0, too, is 0
  return probabilities;
}

void PredictionStore::write(std::size_t row, std::span<const float> probabilities) {
  std::vector<float> kept(probabilities.begin(), probabilities.end());
  for (float& p : kept)
    if (p == 0) p = -0.0f;  // see is_whole()
  file_.write(row, std::as_bytes(std::span(kept)));
  known_[row] = 1;
}

LabelStore::LabelStore(const std::filesystem::path& file, std::size_t rows, RunAccess access)
    : file_(file, "<i4", {static_cast<std::int64_t>(rows)}, sizeof(std::int32_t), access) {}

std::optional<int> LabelStore::label(std::size_t row) const {
  std::int32_t number = 0;
  file_.read(row, std::as_writable_bytes(std::span(&number, 1)));
  return number > 0 ? std::optional(number - 1) : std::nullopt;
}

void LabelStore::write(std::size_t row, int label) {
  const std::int32_t number = label + 1;
  file_.write(row, std::as_bytes(std::span(&number, 1)));
}

ContentStore::ContentStore(const std::filesystem::path& file, std::size_t rows, RunAccess access)
    : file_(file, "|S64", {static_cast<std::int64_t>(rows)}, digits, access) {}

void ContentStore::check(std::size_t row, const std::string& content) {
  std::string before(digits, '\0');
  file_.read(row, std::as_writable_bytes(std::span(before)));
  if (before.find('\0') != before.npos)  // new, or torn by a crash
    file_.write(row, std::as_bytes(std::span(content)));
  else
    require<DataError>(
        before == content,
        "this photograph has changed since the run began (its SHA-256 is another): put the former one "
        "back, or start anew with 'overwrite'");
}

}  // namespace xai
