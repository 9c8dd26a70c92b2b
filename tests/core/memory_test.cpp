#include "xai/core/memory.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace xai {
namespace {

TEST(Memory, PeakGrowsByWhatIsTouched) {
  const auto before = peak_memory_bytes();
  EXPECT_GT(before, 1 << 20);
  const std::vector<char> block(before + (64 << 20), 1);
  const auto after = peak_memory_bytes();
  EXPECT_GE(after, static_cast<std::int64_t>(block.size()));
  EXPECT_LE(after, static_cast<std::int64_t>(before + block.size() + (8 << 20)));
}

}  // namespace
}  // namespace xai
