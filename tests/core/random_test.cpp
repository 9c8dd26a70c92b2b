#include "xai/core/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

namespace xai {
namespace {

// Python: hashlib.sha256(b"7:9:bootstrap"), then the C++ standard's mt19937_64 algorithm written out in
// Python
TEST(Random, StreamIsFixedForEver) {
  Random random(7, "bootstrap");
  EXPECT_EQ(random.next(), 2682573876922637565U);
  EXPECT_EQ(random.next(), 2606447038821756044U);
}

TEST(Random, StreamDependsOnSeedAndNamesOnly) {
  EXPECT_EQ(Random(1, "a", "b").next(), Random(1, "a", "b").next());
  const std::set<std::uint64_t> firsts = {Random(1).next(),           Random(2).next(),
                                          Random(1, "a").next(),      Random(1, "ab").next(),
                                          Random(1, "a", "b").next(), Random(1, "b", "a").next(),
                                          Random(1, "", "ab").next(), Random(1, "a:1:b").next()};
  EXPECT_EQ(firsts.size(), 8U);
}

TEST(Random, UniformHasTheMomentsOfTheUniformDistribution) {
  Random random(3, "uniform");
  const int n = 100'000;
  double sum = 0, squares = 0;
  for (int i = 0; i < n; ++i) {
    const double u = random.uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    squares += u * u;
  }
  EXPECT_NEAR(sum / n, 0.5, 5 * std::sqrt(1.0 / 12 / n));
  EXPECT_NEAR(squares / n, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / n));
}

TEST(Random, IndexIsUniform) {
  Random random(3, "index");
  std::array<int, 7> counts{};
  for (int i = 0; i < 70'000; ++i) ++counts.at(random.index(7));
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 5 * std::sqrt(70'000 * (1.0 / 7) * (6.0 / 7)));
  EXPECT_EQ(random.index(1), 0U);
}

TEST(Random, IndexIsUnbiasedWhereTheRemainderWouldNotBe) {
  // 2^64 mod n = 2^62 for n = 3 * 2^62: a bare remainder gives values below 2^62 twice as often as the others
  Random random(3, "unbiased");
  const std::uint64_t quarter = std::uint64_t{1} << 62;
  int low = 0;
  for (int i = 0; i < 30'000; ++i) low += random.index(3 * quarter) < quarter;
  EXPECT_NEAR(low, 10'000, 5 * std::sqrt(30'000 * (1.0 / 3) * (2.0 / 3)));
}

}  // namespace
}  // namespace xai
