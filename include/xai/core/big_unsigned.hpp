#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace xai {

/// An integer >= 0 without an upper bound, for counts that must be exact: deletion orders go up to
/// factorials of 256.
class BigUnsigned {
 public:
  BigUnsigned() = default;
  BigUnsigned(std::uint64_t value) {  // NOLINT(google-explicit-constructor): a number is a number
    if (value > 0) limbs_.push_back(value);
  }

  bool is_zero() const { return limbs_.empty(); }
  BigUnsigned& operator+=(const BigUnsigned& other);

  /// The value if it is at most 2^64 - 1, else 2^64 - 1.
  std::uint64_t saturated() const;
  /// The nearest double or one beside it; infinity beyond the largest double.
  double to_double() const;
  /// To about 15 digits, however large the value; it must not be zero.
  double log10() const;
  /// Decimal digits.
  std::string to_string() const;

  friend bool operator==(const BigUnsigned&, const BigUnsigned&) = default;

 private:
  std::vector<std::uint64_t> limbs_;  // the lowest 64 bits first; the last one is not 0
};

}  // namespace xai
