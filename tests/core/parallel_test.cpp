#include "xai/core/parallel.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace xai {
namespace {

bool always() {
  return true;
}

TEST(Parallel, DoesEachJobOnce) {
  std::vector<std::atomic<int>> done(1000);
  for_each_in_parallel(
      done.size(), 4, [&](std::size_t i) { ++done[i]; }, always);
  for (const auto& count : done) EXPECT_EQ(count, 1);
  for_each_in_parallel(
      0, 4, [](std::size_t) { FAIL(); }, always);
}

TEST(Parallel, StopsWhenToldTo) {
  std::atomic<int> done = 0;
  int asked = 0;  // by one thread at a time
  for_each_in_parallel(
      1000, 3, [&](std::size_t) { ++done; }, [&] { return ++asked <= 10; });
  EXPECT_EQ(done, 10);
}

TEST(Parallel, ThrowsWhatAJobThrewAndStartsNoMore) {
  std::atomic<int> done = 0;
  const auto job = [&](std::size_t i) {
    if (i == 5) throw std::runtime_error("five");
    ++done;
  };
  EXPECT_THROW(for_each_in_parallel(1000, 1, job, always), std::runtime_error);
  EXPECT_EQ(done, 5);
  EXPECT_THROW(for_each_in_parallel(1000, 4, job, always), std::runtime_error);
}

}  // namespace
}  // namespace xai
