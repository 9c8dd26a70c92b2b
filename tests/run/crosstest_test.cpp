#include "xai/run/crosstest.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>

#include "run/many_photographs.hpp"
#include "xai/core/memory.hpp"

namespace xai {
namespace {

using namespace xai::testing;

/// Counts how often each model is loaded.
class Loads {
 public:
  OpenModel open(Invented::Logits logits) {
    return [this, logits](const ModelCard& card, const ClassifierOptions&) {
      ++count[card.name];
      return std::make_shared<Invented>(card, logits);
    };
  }

  std::map<std::string, int> count;
};

class CrosstestTest : public ::testing::Test {
 protected:
  CrosstestRunOptions options_for(const std::filesystem::path& out) {
    CrosstestRunOptions options;
    for (const char* name : {"one", "two", "three"}) options.models.push_back(save_card(folder, name));
    options.input.data.data = data;
    options.output.out = out;
    options.perturbation.baseline = Baseline::black;  // a blur of 16 pixels hides nothing
    options.making.method = SaliencyMethod::rise;
    options.making.size = 4;
    options.making.rise = {.masks = 20, .cells = 2};
    options.curve.steps = 8;
    options.pictures = 2;
    return options;
  }

  const TemporaryFolder folder;
  const std::filesystem::path data = save_photographs(folder, 5);
  RunObserver silent;
};

TEST_F(CrosstestTest, LoadsEachModelOnceAndReadsItsOwnMaps) {
  Loads loads;
  const CrosstestResult result = run_crosstest(options_for(folder / "run"), silent, loads.open(colours));
  EXPECT_TRUE(result.complete);
  EXPECT_EQ(result.errors, 0);
  EXPECT_EQ(loads.count, (std::map<std::string, int>{{"one", 1}, {"two", 1}, {"three", 1}}));
  const auto records = records_in(folder / "run");
  ASSERT_EQ(records.size(), 5 * 9);
  EXPECT_EQ(records[1]["source"], "one");
  EXPECT_EQ(records[1]["model"], "two");
  EXPECT_EQ(records[1]["status"], "ok");
  EXPECT_EQ(records[0]["picture"], "images/1000.png.png");
  EXPECT_TRUE(records[9 * 2]["picture"].is_null());
  EXPECT_TRUE(std::filesystem::exists(folder / "run" / "images/1001.png.png"));
}

TEST_F(CrosstestTest, GivesTheSameWithOneModelInMemoryAtATime) {
  run_crosstest(options_for(folder / "all"), silent, invented(colours));
  CrosstestRunOptions one = options_for(folder / "one");
  one.models_in_memory = 1;
  run_crosstest(one, silent, invented(colours));
  EXPECT_EQ(records_in(folder / "all"), records_in(folder / "one"));
}

/// Tells when the cross-tests have begun.
class Begin : public RunObserver {
 public:
  bool progress(const RunProgress& now) override {
    cross_tests = cross_tests || now.what.starts_with("cross-tests");
    return true;
  }

  std::atomic<bool> cross_tests = false;
};

TEST_F(CrosstestTest, SaysThatAPhotographHasChanged) {
  CrosstestRunOptions options = options_for(folder / "run");
  options.models_in_memory = 1;
  Begin begin;
  const auto breaks = [&](const ModelCard& card, const ClassifierOptions&) {
    return std::make_shared<Invented>(card, [&begin, name = card.name](const at::Tensor& batch) {
      if (name == "two" && begin.cross_tests) throw std::runtime_error("the device is gone");
      return colours(batch);
    });
  };
  EXPECT_THROW(run_crosstest(options, begin, breaks), std::runtime_error);
  EXPECT_EQ(records_in(folder / "run").size(), 5 * 3);  // of model one

  write_file_atomically(data / "1002.png", photograph(8));
  const CrosstestResult result = run_crosstest(options, silent, invented(colours));
  EXPECT_EQ(result.errors, 6 + 1);  // its pairs, and the image that two and three do not know
  for (const Json& record : records_in(folder / "run")) {
    const bool changed = record["image"] == "1002.png" && record["model"] != "one";
    EXPECT_EQ(record["status"], changed ? "error" : "ok");
    EXPECT_EQ(to_text(record["reason"]).find("SHA-256") != std::string::npos, changed);
  }
}

// Predictions are on disk and records in the journal: what is in memory of a photograph is small. 50,000
// photographs and 13 models may take 400 MB (bench/crosstest_memory does that whole).
TEST_F(CrosstestTest, NeedsLittleMemoryForAPhotograph) {
  const auto peak_after = [&](int images) {
    const TemporaryFolder scratch;
    run_crosstest(many_photographs(scratch, images, 13, 1000), silent, invented(no_class_one(1000)));
    return peak_memory_bytes();
  };
  const auto few = peak_after(100), many = peak_after(1600);
  EXPECT_LT(static_cast<double>(many - few) / 1500 * 50'000, 400e6) << few << " bytes, " << many << " bytes";
}

}  // namespace
}  // namespace xai
