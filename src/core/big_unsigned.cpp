#include "xai/core/big_unsigned.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace xai {
namespace {

/// Divides by a small number, highest 32 bits first; gives the remainder.
std::uint64_t divide(std::vector<std::uint64_t>& limbs, std::uint64_t by) {
  std::uint64_t rest = 0;
  for (auto limb = limbs.rbegin(); limb != limbs.rend(); ++limb) {
    const std::uint64_t high = rest << 32 | *limb >> 32;
    const std::uint64_t low = (high % by) << 32 | (*limb & 0xFFFFFFFFU);
    *limb = (high / by) << 32 | low / by;
    rest = low % by;
  }
  while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
  return rest;
}

}  // namespace

BigUnsigned& BigUnsigned::operator+=(const BigUnsigned& other) {
  if (limbs_.size() < other.limbs_.size()) limbs_.resize(other.limbs_.size());
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    const std::uint64_t added = i < other.limbs_.size() ? other.limbs_[i] : 0;
    const std::uint64_t sum = limbs_[i] + added + carry;
    carry = carry > 0 ? sum <= added : sum < added;
    limbs_[i] = sum;
  }
  if (carry > 0) limbs_.push_back(carry);
  return *this;
}

std::uint64_t BigUnsigned::saturated() const {
  if (limbs_.size() > 1) return std::numeric_limits<std::uint64_t>::max();
  return is_zero() ? 0 : limbs_[0];
}

double BigUnsigned::to_double() const {
  double value = 0;
  for (auto limb = limbs_.rbegin(); limb != limbs_.rend(); ++limb)
    value = value * 0x1p64 + static_cast<double>(*limb);
  return value;
}

double BigUnsigned::log10() const {
  const std::size_t leading =
      std::min<std::size_t>(2, limbs_.size());  // further ones are below the precision
  double value = 0;
  for (std::size_t i = 0; i < leading; ++i)
    value = value * 0x1p64 + static_cast<double>(limbs_[limbs_.size() - 1 - i]);
  return std::log10(value) + 64 * std::log10(2.0) * static_cast<double>(limbs_.size() - leading);
}

std::string BigUnsigned::to_string() const {
  if (is_zero()) return "0";
  std::string digits;
  for (auto limbs = limbs_; !limbs.empty();) digits += static_cast<char>('0' + divide(limbs, 10));
  std::reverse(digits.begin(), digits.end());
  return digits;
}

}  // namespace xai
