#include "xai/core/big_unsigned.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace xai {
namespace {

/// n * value, by adding.
BigUnsigned times(int n, const BigUnsigned& value) {
  BigUnsigned product;
  for (int i = 0; i < n; ++i) product += value;
  return product;
}

BigUnsigned factorial(int n) {
  BigUnsigned product = 1;
  for (int i = 2; i <= n; ++i) product = times(i, product);
  return product;
}

BigUnsigned power_of_two(int exponent) {
  BigUnsigned value = 1;
  for (int i = 0; i < exponent; ++i) value += BigUnsigned(value);
  return value;
}

TEST(BigUnsigned, SmallValuesAreIntegers) {
  EXPECT_TRUE(BigUnsigned().is_zero());
  EXPECT_EQ(BigUnsigned(0), BigUnsigned());
  EXPECT_EQ(BigUnsigned().to_string(), "0");
  EXPECT_EQ(BigUnsigned().to_double(), 0);
  EXPECT_EQ(BigUnsigned(907).to_string(), "907");
  EXPECT_EQ(BigUnsigned(907).saturated(), 907U);
  EXPECT_DOUBLE_EQ(BigUnsigned(1000).log10(), 3);
  EXPECT_EQ(BigUnsigned(1).log10(), 0);
}

TEST(BigUnsigned, CarriesFromLimbToLimb) {
  const auto most = std::numeric_limits<std::uint64_t>::max();
  BigUnsigned value = most;
  EXPECT_EQ(value.to_string(), "18446744073709551615");
  EXPECT_EQ(value.saturated(), most);
  value += 1;
  EXPECT_EQ(value.to_string(), "18446744073709551616");
  EXPECT_EQ(value.saturated(), most);
  EXPECT_EQ(value.to_double(), 0x1p64);

  EXPECT_EQ(power_of_two(128).to_string(), "340282366920938463463374607431768211456");
  BigUnsigned sum = most;
  for (int i = 0; i < 64; ++i) sum += BigUnsigned(sum);  // the higher limb is full, the lower one 0
  sum += most;                                           // both are full
  EXPECT_EQ(sum.to_string(), "340282366920938463463374607431768211455");
  sum += BigUnsigned(sum);  // a carry out of both
  EXPECT_EQ(sum.to_string(), "680564733841876926926749214863536422910");
  EXPECT_EQ(power_of_two(192).to_string(), "6277101735386680763835789423207666416102355444464034512896");
}

// the digits from Python's math.factorial
TEST(BigUnsigned, FactorialsAreExact) {
  EXPECT_EQ(factorial(20).to_string(), "2432902008176640000");
  EXPECT_EQ(factorial(25).to_string(), "15511210043330985984000000");
  EXPECT_EQ(factorial(49).to_string(), "608281864034267560872252163321295376887552831379210240000000000");
}

TEST(BigUnsigned, LogarithmHoldsBeyondTheLargestDouble) {
  EXPECT_NEAR(factorial(25).log10(), std::lgamma(26) / std::log(10), 1e-12);
  const BigUnsigned large = factorial(256);
  EXPECT_NEAR(large.log10(), std::lgamma(257) / std::log(10), 1e-10);
  EXPECT_EQ(large.to_double(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(large.to_string().size(), 507U);
  EXPECT_DOUBLE_EQ(power_of_two(200).log10(), 200 * std::log10(2.0));
  EXPECT_EQ(power_of_two(200).to_double(), 0x1p200);
}

}  // namespace
}  // namespace xai
