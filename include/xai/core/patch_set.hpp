#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <vector>

namespace xai {

/// A set of patches of a g x g grid, 2 <= g <= 16: bit p is patch p = row * g + column (SPEC 3).
/// Ordered as the integer its bits spell ("the smaller bit set").
class PatchSet {
 public:
  static constexpr int capacity = 256;

  constexpr PatchSet() = default;
  constexpr PatchSet(std::initializer_list<int> patches) {
    for (const int p : patches) insert(p);
  }
  static constexpr PatchSet of(std::span<const int> patches) {
    PatchSet set;
    for (const int p : patches) set.insert(p);
    return set;
  }
  /// The first `patches` patches: with g * g, the intact image.
  static constexpr PatchSet all(int patches) {
    PatchSet set;
    for (int p = 0; p < patches; ++p) set.insert(p);
    return set;
  }
  static constexpr PatchSet from_bits(std::uint64_t low_bits) {
    PatchSet set;
    set.words_[0] = low_bits;
    return set;
  }

  constexpr bool contains(int p) const { return (words_[p / 64] >> (p % 64)) & 1U; }
  constexpr bool empty() const { return *this == PatchSet(); }
  constexpr int size() const {
    int count = 0;
    for (const auto word : words_) count += std::popcount(word);
    return count;
  }
  /// Patches 0..63 as an integer; for grids up to 8 x 8 that is the whole set.
  constexpr std::uint64_t low_bits() const { return words_[0]; }

  /// All 256 bits, the lowest word first.
  constexpr const std::array<std::uint64_t, capacity / 64>& words() const { return words_; }

  constexpr void insert(int p) { words_[p / 64] |= std::uint64_t{1} << (p % 64); }
  constexpr void erase(int p) { words_[p / 64] &= ~(std::uint64_t{1} << (p % 64)); }
  constexpr PatchSet with(int p) const {
    PatchSet set = *this;
    set.insert(p);
    return set;
  }
  constexpr PatchSet without(int p) const {
    PatchSet set = *this;
    set.erase(p);
    return set;
  }

  friend constexpr PatchSet operator|(PatchSet a, const PatchSet& b) {
    for (std::size_t i = 0; i < word_count; ++i) a.words_[i] |= b.words_[i];
    return a;
  }
  friend constexpr PatchSet operator&(PatchSet a, const PatchSet& b) {
    for (std::size_t i = 0; i < word_count; ++i) a.words_[i] &= b.words_[i];
    return a;
  }
  friend constexpr PatchSet operator-(PatchSet a, const PatchSet& b) {
    for (std::size_t i = 0; i < word_count; ++i) a.words_[i] &= ~b.words_[i];
    return a;
  }
  constexpr bool is_subset_of(const PatchSet& other) const { return (*this - other).empty(); }
  /// The number of patches in both.
  constexpr int overlap(const PatchSet& other) const { return (*this & other).size(); }

  /// Ascending patch indices.
  std::vector<int> patches() const {
    std::vector<int> out;
    for (std::size_t i = 0; i < word_count; ++i)
      for (auto word = words_[i]; word != 0; word &= word - 1)
        out.push_back(static_cast<int>(64 * i) + std::countr_zero(word));
    return out;
  }

  friend constexpr bool operator==(const PatchSet&, const PatchSet&) = default;
  friend constexpr std::strong_ordering operator<=>(const PatchSet& a, const PatchSet& b) {
    for (std::size_t i = word_count; i-- > 0;)
      if (a.words_[i] != b.words_[i]) return a.words_[i] <=> b.words_[i];
    return std::strong_ordering::equal;
  }

 private:
  static constexpr std::size_t word_count = capacity / 64;
  friend struct std::hash<PatchSet>;
  std::array<std::uint64_t, word_count> words_{};
};

}  // namespace xai

template <>
struct std::hash<xai::PatchSet> {
  std::size_t operator()(const xai::PatchSet& set) const noexcept {
    std::uint64_t h = 0;
    for (const auto word : set.words_) {
      h = (h ^ word) * 0x9E3779B97F4A7C15ULL;
      h ^= h >> 32;
    }
    return h;
  }
};
