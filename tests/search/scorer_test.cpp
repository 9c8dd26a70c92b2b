#include "xai/search/scorer.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace xai {
namespace {

std::vector<PatchSet> singles(const std::vector<int>& patches) {
  std::vector<PatchSet> sets;
  for (const int patch : patches) sets.push_back(PatchSet{patch});
  return sets;
}

Task<std::vector<double>> ask_twice(Scorer& scorer) {
  const std::vector<PatchSet> one = singles({0, 1, 0});
  const std::vector<PatchSet> two = singles({1, 2});
  auto first = co_await scorer.probabilities(one);
  const auto second = co_await scorer.probabilities(two);
  first.insert(first.end(), second.begin(), second.end());
  const auto third = co_await scorer.probabilities(one);
  first.push_back(third[0]);
  co_return first;
}

double index_sum(const PatchSet& set) {
  double sum = 0;
  for (const int patch : set.patches()) sum += patch + 1;
  return sum;
}

TEST(Scorer, AnswersInOrderAndAsksOnce) {
  Scorer scorer;
  int calls = 0;
  const auto p = run_search(scorer, ask_twice(scorer), [&](const PatchSet& set) {
    ++calls;
    return index_sum(set);
  });
  EXPECT_EQ(p, (std::vector<double>{1, 2, 1, 2, 3, 1}));
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(scorer.evaluations(), 3);
  EXPECT_TRUE(scorer.knows(PatchSet{2}));
  EXPECT_FALSE(scorer.knows(PatchSet{3}));
  EXPECT_EQ(scorer.known(PatchSet{1}), 2);
  EXPECT_THROW((void)scorer.known(PatchSet{3}), std::out_of_range);
}

TEST(Scorer, HandsTheQueueOutInPieces) {
  Scorer scorer;
  auto search = ask_twice(scorer);
  search.start();
  EXPECT_EQ(scorer.queued(), 2U);
  const auto first = scorer.take(1);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0], PatchSet{0});
  EXPECT_EQ(scorer.queued(), 1U);
  scorer.answer(first[0], 1);
  EXPECT_FALSE(scorer.can_resume());
  const auto second = scorer.take(10);
  ASSERT_EQ(second.size(), 1U);
  scorer.answer(second[0], 2);
  EXPECT_TRUE(scorer.can_resume());
  scorer.resume();
  EXPECT_FALSE(search.done());
  ASSERT_EQ(scorer.queued(), 1U);  // {1} is known by now
  EXPECT_EQ(scorer.take(1)[0], PatchSet{2});
}

TEST(Scorer, AnswersMayComeInAnyOrder) {
  Scorer scorer;
  auto search = ask_twice(scorer);
  search.start();
  const auto taken = scorer.take(2);
  scorer.answer(taken[1], 2);
  EXPECT_FALSE(scorer.can_resume());
  scorer.answer(taken[0], 1);
  scorer.resume();
  scorer.answer(scorer.take(1)[0], 3);
  scorer.resume();
  ASSERT_TRUE(search.done());
  EXPECT_EQ(search.result(), (std::vector<double>{1, 2, 1, 2, 3, 1}));
}

TEST(Scorer, FailureIsThrownIntoTheSearch) {
  Scorer scorer;
  auto search = ask_twice(scorer);
  search.start();
  scorer.fail(std::make_exception_ptr(std::domain_error("device lost")));
  EXPECT_EQ(scorer.queued(), 0U);
  ASSERT_TRUE(scorer.can_resume());
  scorer.resume();
  ASSERT_TRUE(search.done());
  EXPECT_THROW(search.result(), std::domain_error);
}

TEST(Scorer, AbandonedSearchFreesItself) {
  Scorer scorer;
  auto search = ask_twice(scorer);
  search.start();
  EXPECT_FALSE(search.done());  // destroyed while it waits: the sanitizers would see a leak
}

TEST(Scorer, PaysForWhatAnotherCallerKnowsButDoesNotAskAgain) {
  Memo memo;
  memo.remember(PatchSet{5}, 6);
  Scorer first(memo), second(memo);
  int calls = 0;
  const auto score = [&](const PatchSet& set) {
    ++calls;
    return index_sum(set);
  };
  const auto p = run_search(first, ask_twice(first), score);
  EXPECT_FALSE(second.knows(PatchSet{0})) << "it has not asked";
  EXPECT_THROW((void)second.known(PatchSet{0}), std::out_of_range);
  EXPECT_EQ(run_search(second, ask_twice(second), score), p);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(second.evaluations(), first.evaluations());
  EXPECT_EQ(first.new_to_memo(), 3);
  EXPECT_EQ(second.new_to_memo(), 0);
  EXPECT_FALSE(first.knows(PatchSet{5})) << "remembered, not asked for";
  EXPECT_EQ(first.all_known().size(), 4U);
}

TEST(Scorer, AsksInVainAfterAFailure) {
  Memo memo;
  Scorer scorer(memo), other(memo);
  scorer.fail(std::make_exception_ptr(std::domain_error("device lost")));
  auto search = ask_twice(scorer);
  search.start();
  ASSERT_TRUE(search.done());
  EXPECT_THROW(search.result(), std::domain_error);
  EXPECT_EQ(run_search(other, ask_twice(other), index_sum).size(), 6U);
}

Task<int> doubled(Scorer& scorer, int patch) {
  const auto sets = singles({patch});
  const auto p = co_await scorer.probabilities(sets);
  co_return static_cast<int>(2 * p[0]);
}

Task<int> nested(Scorer& scorer) {
  int sum = 0;
  for (int patch = 0; patch < 3; ++patch) sum += co_await doubled(scorer, patch);
  co_return sum;
}

TEST(Task, NestedTasksSuspendToTheDriver) {
  Scorer scorer;
  EXPECT_EQ(run_search(scorer, nested(scorer), index_sum), 12);
}

Task<int> failing(Scorer& scorer) {
  const auto sets = singles({0});
  co_await scorer.probabilities(sets);
  throw std::domain_error("inside");
}

Task<int> catching(Scorer& scorer) {
  try {
    co_return co_await failing(scorer);
  } catch (const std::domain_error&) {
    co_return -1;
  }
}

TEST(Task, ExceptionsReachTheAwaiter) {
  Scorer scorer;
  EXPECT_EQ(run_search(scorer, catching(scorer), index_sum), -1);
  Scorer other;
  EXPECT_THROW(run_search(other, failing(other), index_sum), std::domain_error);
}

}  // namespace
}  // namespace xai
