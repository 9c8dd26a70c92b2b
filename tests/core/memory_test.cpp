#include "xai/core/memory.hpp"

#include <gtest/gtest.h>

#include <new>
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

TEST(Memory, ALimitMakesAllocationsFailWhileItLives) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer ends a process whose memory does not suffice";
#endif
  ASSERT_GT(available_memory_bytes().value(), 256 << 20);
  const auto allocate = [] { return std::vector<char>(128 << 20, 1).size(); };
  {
    const MemoryLimit limit(64 << 20);
    EXPECT_THROW(allocate(), std::bad_alloc);
    const MemoryLimit wider(1 << 30);  // what is forbidden stays so
    EXPECT_THROW(allocate(), std::bad_alloc);
  }
  EXPECT_EQ(allocate(), 128U << 20);
}

}  // namespace
}  // namespace xai
