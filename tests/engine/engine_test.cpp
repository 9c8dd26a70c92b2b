#include "xai/engine/engine.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "model/toy_classifier.hpp"
#include "xai/core/error.hpp"
#include "xai/search/mse.hpp"

namespace xai {
namespace {

constexpr int grid = 4, pixels = 16;

/// Logits are fixed non-linear functions of the mean brightness of the image's quarters.
class ToyClassifier : public testing::ToyClassifier {
 public:
  ToyClassifier()
      : testing::ToyClassifier("quarters", pixels, pixels, 3, {0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}) {}

  bool poison = false;

 protected:
  at::Tensor evaluate(const at::Tensor& batch) const override {
    const at::Tensor quarters = at::adaptive_avg_pool2d(batch.mean(1, true), {2, 2}).flatten(1);  // N x 4
    const at::Tensor evidence = quarters.mul(4).tanh();
    at::Tensor result = at::stack(
        {3 * evidence.select(1, 0) * evidence.select(1, 3), 2 * evidence.select(1, 1), evidence.sum(1)}, 1);
    if (poison)
      result = at::where(quarters.select(1, 0).unsqueeze(1) > 2.5, at::full({}, std::nan("")), result);
    return result;
  }
};

LoadedImage toy_image(std::size_t index) {
  auto generator = at::detail::createCPUGenerator(100 + index);
  const at::Tensor image = at::rand({3, pixels, pixels}, generator).mul(0.3).add(0.5);
  return {image, at::zeros_like(image), static_cast<int>(index % 3)};
}

struct Answer {
  int predicted;
  MseResult result;
};

/// Finds the MSEs of toy images and keeps them.
class ToyAnalysis : public Analysis {
 public:
  explicit ToyAnalysis(MseOptions options) : options_(options) {}
  LoadedImage load(std::size_t index) override {
    if (unreadable.contains(index)) throw DataError("unreadable");
    return toy_image(index);
  }
  Task<void> analyse(std::size_t index, ImageInFlight& image) override {
    Scorer& scorer = image.scorer(image.prediction().predicted);
    MseResult result = co_await find_mses(scorer, options_);
    answers.emplace(index, Answer{image.prediction().predicted, std::move(result)});
  }
  void failed(std::size_t index, const std::exception& error) override { failures[index] = error.what(); }

  std::set<std::size_t> unreadable;
  std::map<std::size_t, Answer> answers;
  std::map<std::size_t, std::string> failures;

 private:
  MseOptions options_;
};

MseOptions toy_search() {
  MseOptions options;
  options.grid = grid;
  options.max_evaluations = 400;
  return options;
}

EngineOptions toy_engine(int batch_size, int in_flight, int lanes = 1) {
  return {.grid = grid, .batch_size = batch_size, .lanes = lanes, .images_in_flight = in_flight};
}

ToyAnalysis analyse(ToyClassifier& classifier, const EngineOptions& options, std::size_t count,
                    EngineReport* report = nullptr) {
  ToyAnalysis analysis(toy_search());
  Engine engine(classifier, options);
  const EngineReport got = engine.run(count, analysis);
  if (report) *report = got;
  return analysis;
}

void expect_same(const ToyAnalysis& a, const ToyAnalysis& b) {
  ASSERT_EQ(a.answers.size(), b.answers.size());
  for (const auto& [index, answer] : a.answers) {
    const MseResult &x = answer.result, &y = b.answers.at(index).result;
    EXPECT_EQ(answer.predicted, b.answers.at(index).predicted);
    EXPECT_EQ(x.evaluations, y.evaluations);
    EXPECT_EQ(x.stop_reason, y.stop_reason);
    EXPECT_EQ(x.diverse_members, y.diverse_members);
    ASSERT_EQ(x.mses.size(), y.mses.size()) << "image " << index;
    for (std::size_t i = 0; i < x.mses.size(); ++i) {
      EXPECT_EQ(x.mses[i].patches, y.mses[i].patches);
      EXPECT_NEAR(x.mses[i].p, y.mses[i].p, 1e-5);
      EXPECT_EQ(x.mses[i].certificate, y.mses[i].certificate);
    }
  }
}

/// p(S) of a toy image, of all classes, by SPEC 3, one set at a time and without the engine.
at::Tensor plain_probabilities(ToyClassifier& classifier, const LoadedImage& loaded, const PatchSet& set) {
  const MaskComposer composer(pixels, pixels, grid, MaskKind::soft, at::kCPU);
  at::Tensor cells = at::zeros({1, grid, grid});
  for (const int p : set.patches()) cells.view(-1)[p] = 1;
  const at::Tensor u = composer.upsample(cells);
  const at::Tensor mixed = loaded.baseline + u * (loaded.image - loaded.baseline);
  return classifier.logits(((mixed - 0.5) / 0.25).unsqueeze(0)).softmax(1)[0].to(at::kDouble);
}

double plain_probability(ToyClassifier& classifier, const LoadedImage& loaded, const PatchSet& set,
                         int target) {
  return plain_probabilities(classifier, loaded, set)[target].item<double>();
}

TEST(Engine, ScoresAreTheModelsProbabilities) {
  ToyClassifier classifier;
  const ToyAnalysis analysis = analyse(classifier, toy_engine(5, 2), 4);
  ASSERT_EQ(analysis.answers.size(), 4);
  int checked = 0;
  for (const auto& [index, answer] : analysis.answers) {
    const LoadedImage loaded = toy_image(index);
    EXPECT_NEAR(answer.result.p_full,
                plain_probability(classifier, loaded, PatchSet::all(grid * grid), answer.predicted), 1e-5);
    EXPECT_NEAR(answer.result.p_baseline, plain_probability(classifier, loaded, {}, answer.predicted), 1e-5);
    for (const Mse& mse : answer.result.mses) {
      EXPECT_NEAR(mse.p, plain_probability(classifier, loaded, mse.patches, answer.predicted), 1e-5);
      ++checked;
    }
  }
  EXPECT_GT(checked, 4);
}

TEST(Engine, ARivalIsTheLargestProbabilityOfAnotherClass) {
  class Look : public ToyAnalysis {
   public:
    using ToyAnalysis::ToyAnalysis;
    Task<void> analyse(std::size_t index, ImageInFlight& image) override {
      std::vector<PatchSet> asked;
      for (std::uint32_t bits = 1; bits < 1U << (grid * grid); bits = bits * 5 + 3)
        asked.push_back(PatchSet::from_bits(bits));
      asked.push_back(PatchSet::all(grid * grid));  // known from the prediction
      // the label: at times the best, the runner-up, the last
      Scorer& scorer = image.scorer(static_cast<int>(index % 3));
      co_await scorer.probabilities(asked);
      for (const PatchSet& set : asked) scores[index].emplace_back(set, scorer.score(set));
    }
    std::map<std::size_t, std::vector<std::pair<PatchSet, Score>>> scores;
  } look(toy_search());
  ToyClassifier classifier;
  Engine(classifier, toy_engine(4, 2)).run(6, look);
  int above = 0, below = 0;
  for (const auto& [index, scores] : look.scores)
    for (const auto& [set, score] : scores) {
      const int target = static_cast<int>(index % 3);
      at::Tensor p = plain_probabilities(classifier, toy_image(index), set);
      EXPECT_NEAR(score.p, p[target].item<double>(), 1e-5);
      p[target] = 0;
      EXPECT_NEAR(score.rival, p.max().item<double>(), 1e-5);
      ++(score.p >= score.rival ? above : below);
    }
  EXPECT_GT(above, 3);
  EXPECT_GT(below, 3);
}

TEST(Engine, AnswersDoNotDependOnThePacking) {
  ToyClassifier classifier;
  const ToyAnalysis reference = analyse(classifier, toy_engine(1, 1), 9);
  ASSERT_EQ(reference.answers.size(), 9);
  for (const int batch_size : {7, 32})
    for (const int in_flight : {1, 8})
      for (const int lanes : {1, 3})
        expect_same(reference, analyse(classifier, toy_engine(batch_size, in_flight, lanes), 9));
}

TEST(Engine, EveryBatchHasOneShapeAndMostAreFull) {
  ToyClassifier classifier;
  EngineReport report;
  const ToyAnalysis analysis = analyse(classifier, toy_engine(8, 4), 40, &report);
  for (const auto size : classifier.forward_batches) ASSERT_EQ(size, 8);
  EXPECT_EQ(report.rows + report.padding, 8 * static_cast<long>(classifier.forward_batches.size()));
  long evaluations = 0;
  for (const auto& [index, answer] : analysis.answers) evaluations += answer.result.evaluations;
  EXPECT_EQ(report.rows, evaluations) << "every set goes through the model once";
  EXPECT_LT(report.padding, report.rows / 50);
}

TEST(Engine, HalvesTheBatchWhenMemoryRunsOut) {
  for (const int lanes : {1, 4}) {
    ToyClassifier plain, small;
    small.most_rows = 5;
    EngineReport report;
    const ToyAnalysis analysis = analyse(small, toy_engine(32, 3, lanes), 6, &report);
    EXPECT_EQ(report.batch_size, 4);
    EXPECT_EQ(small.forward_batches.back(), 4);
    expect_same(analyse(plain, toy_engine(32, 3), 6), analysis);
  }
}

TEST(Engine, GivesUpWhenOneImageDoesNotFit) {
  ToyClassifier classifier;
  classifier.most_rows = 0;
  EXPECT_THROW(analyse(classifier, toy_engine(8, 2), 2), ModelError);
}

TEST(Engine, OneBadImageDoesNotStopTheOthers) {
  ToyClassifier classifier;
  ToyAnalysis analysis(toy_search());
  analysis.unreadable = {0, 3, 9};
  const EngineReport report = Engine(classifier, toy_engine(8, 2)).run(10, analysis);
  EXPECT_EQ(report.images, 10);
  EXPECT_EQ(analysis.answers.size(), 7);
  EXPECT_EQ(analysis.failures.size(), 3);
  EXPECT_EQ(analysis.failures.at(9), "unreadable");
}

TEST(Engine, LogitsThatAreNotFiniteFailTheirImageOnly) {
  ToyClassifier classifier;
  classifier.poison = true;  // for images whose first quarter is bright: not for most
  ToyAnalysis analysis(toy_search());
  Engine(classifier, toy_engine(8, 3)).run(6, analysis);
  EXPECT_EQ(analysis.answers.size() + analysis.failures.size(), 6);
  for (const auto& [index, message] : analysis.failures) EXPECT_NE(message.find("not finite"), message.npos);

  // white images poison the model as a whole, before their search begins
  class White : public ToyAnalysis {
   public:
    using ToyAnalysis::ToyAnalysis;
    LoadedImage load(std::size_t index) override {
      LoadedImage image = toy_image(index);
      if (index == 1) image.image.fill_(10);
      return image;
    }
  } white(toy_search());
  Engine(classifier, toy_engine(8, 3)).run(3, white);
  EXPECT_TRUE(white.failures.contains(1));
  EXPECT_TRUE(white.answers.contains(2));
}

TEST(Engine, StopsWhenToldTo) {
  ToyClassifier classifier;
  ToyAnalysis analysis(toy_search());
  int asked = 0;
  const EngineReport report =
      Engine(classifier, toy_engine(8, 2)).run(50, analysis, [&](const EngineReport&) {
        return ++asked < 20;
      });
  EXPECT_EQ(asked, 20);
  EXPECT_LT(report.images, 50);
  EXPECT_LE(classifier.forward_batches.size(), 21);  // the lane's next batch was under way
}

TEST(Engine, PredictionAndLabelComeFromTheIntactImage) {
  class Look : public ToyAnalysis {
   public:
    using ToyAnalysis::ToyAnalysis;
    Task<void> analyse(std::size_t index, ImageInFlight& image) override {
      predictions[index] = image.prediction();
      co_return;
    }
    std::map<std::size_t, Prediction> predictions;
  } look(toy_search());
  ToyClassifier classifier;
  Engine(classifier, toy_engine(8, 2)).run(5, look);
  for (std::size_t index = 0; index < 5; ++index) {
    const LoadedImage loaded = toy_image(index);
    const at::Tensor p = classifier.logits(((loaded.image - 0.5) / 0.25).unsqueeze(0)).softmax(1)[0];
    EXPECT_EQ(look.predictions.at(index).predicted, p.argmax().item<int>());
    EXPECT_NEAR(look.predictions.at(index).p_predicted, p.max().item<double>(), 1e-5);
    const auto ranked = p.argsort(0, /*descending=*/true);
    EXPECT_EQ(look.predictions.at(index).second, ranked[1].item<int>());
    EXPECT_NEAR(look.predictions.at(index).p_second, p[ranked[1].item<int>()].item<double>(), 1e-5);
    EXPECT_NEAR(look.predictions.at(index).p_label.value(), p[static_cast<int>(index % 3)].item<double>(),
                1e-5);
  }
}

TEST(Engine, PatchSetsNeedAGridOfAtMost16) {
  ImageInFlight image(0, {}, {}, 17);
  EXPECT_THROW(image.scorer(0), UsageError);
}

TEST(Engine, AnotherCallerHasItsOwnBudgetAndCostsTheModelNothing) {
  class Twice : public ToyAnalysis {
   public:
    using ToyAnalysis::ToyAnalysis;
    Task<void> analyse(std::size_t index, ImageInFlight& image) override {
      Scorer& first = image.scorer(image.prediction().predicted);
      MseResult result = co_await find_mses(first, toy_search());
      evaluations += result.evaluations;
      Scorer& second = image.another_scorer();
      EXPECT_EQ(second.evaluations(), 0);
      MseResult again = co_await find_mses(second, toy_search());
      EXPECT_EQ(second.evaluations(), first.evaluations());
      EXPECT_EQ(second.new_to_memo(), 0);
      answers.emplace(index, Answer{image.prediction().predicted, std::move(again)});
    }
    long evaluations = 0;
  } twice(toy_search());
  ToyClassifier classifier;
  const EngineReport report = Engine(classifier, toy_engine(8, 3)).run(6, twice);
  EXPECT_EQ(report.rows, twice.evaluations) << "with the intact image as the first";
  expect_same(analyse(classifier, toy_engine(8, 3), 6), twice);
}

/// The run ends while other images' coroutines wait and lanes work for them.
TEST(Engine, AnErrorOfAnAnalysisEndsTheRunAndLeavesNothingBehind) {
  struct Alive {
    explicit Alive(int& count) : count_(count) { ++count_; }
    ~Alive() { --count_; }
    int& count_;
  };
  class Fails : public ToyAnalysis {
   public:
    Fails(bool at_once) : ToyAnalysis(toy_search()), at_once_(at_once) {}
    Task<void> analyse(std::size_t index, ImageInFlight& image) override {
      if (at_once_ && index == 3) throw std::logic_error("a bug");
      return search(index, image);
    }
    Task<void> search(std::size_t index, ImageInFlight& image) {
      const Alive here(alive);
      Scorer& scorer = image.scorer(image.prediction().predicted);
      MseOptions options = toy_search();
      if (index == 3) options.max_evaluations = 30;
      const MseResult result = co_await find_mses(scorer, options);
      if (index == 3) throw std::logic_error("a bug");
      answers.emplace(index, Answer{image.prediction().predicted, result});
    }
    int alive = 0;

   private:
    bool at_once_;
  };
  class Slow : public ToyClassifier {
   protected:
    at::Tensor evaluate(const at::Tensor& batch) const override {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      return ToyClassifier::evaluate(batch);
    }
  };
  for (const bool at_once : {false, true})
    for (const int lanes : {1, 3}) {
      Slow classifier;
      Fails analysis(at_once);
      EXPECT_THROW(Engine(classifier, toy_engine(4, 6, lanes)).run(12, analysis), std::logic_error);
      EXPECT_EQ(analysis.alive, 0);
      EXPECT_LT(analysis.answers.size(), 12);
    }
}

TEST(Engine, ADataErrorOfAnAnalysisIsItsImages) {
  class Refuses : public ToyAnalysis {
   public:
    using ToyAnalysis::ToyAnalysis;
    Task<void> analyse(std::size_t index, ImageInFlight& image) override {
      if (index == 1) throw DataError("not this one");
      return ToyAnalysis::analyse(index, image);
    }
  } refuses(toy_search());
  ToyClassifier classifier;
  Engine(classifier, toy_engine(8, 2)).run(3, refuses);
  EXPECT_EQ(refuses.failures.at(1), "not this one");
  EXPECT_EQ(refuses.answers.size(), 2);
}

TEST(EngineOptions, AreChecked) {
  ToyClassifier classifier;
  const auto message = [&](const EngineOptions& options) -> std::string {
    try {
      Engine(classifier, options);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message({.grid = 1}), "'grid' must be at least 2, not 1");
  EXPECT_EQ(message({.batch_size = 0}), "'batch_size' must be at least 1, not 0");
  EXPECT_EQ(message({.lanes = 0}), "'threads' must be at least 1, not 0");
  EXPECT_EQ(message({.images_in_flight = 0}), "'images_in_flight' must be at least 1, not 0");
  EXPECT_EQ(message({.prefetch = 0}), "'prefetch' must be at least 1, not 0");
}

}  // namespace
}  // namespace xai
