#include "xai/core/background.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <vector>

namespace xai {
namespace {

TEST(Background, DoesJobsInOrder) {
  std::vector<int> done;
  Background background(3);
  for (int i = 0; i < 100; ++i) background.post([&done, i] { done.push_back(i); });
  background.finish();
  ASSERT_EQ(done.size(), 100);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(done[i], i);
}

TEST(Background, ItsEndWaitsForEveryJob) {
  std::atomic<int> done = 0;
  {
    Background background;
    for (int i = 0; i < 5; ++i)
      background.post([&done] {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        ++done;
      });
  }
  EXPECT_EQ(done, 5);
}

TEST(Background, AnErrorReachesThePoster) {
  Background background;
  std::atomic<bool> later = false;
  background.post([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    throw std::runtime_error("disk full");
  });
  background.post([&later] { later = true; });
  EXPECT_THROW(background.finish(), std::runtime_error);
  EXPECT_THROW(background.post([] {}), std::runtime_error);
  EXPECT_FALSE(later) << "nothing is done behind a job that failed";
}

}  // namespace
}  // namespace xai
