#include "xai/run/image_run.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "run/invented.hpp"
#include "xai/run/mse.hpp"
#include "xai/run/subexp.hpp"

namespace xai {
namespace {

using namespace xai::testing;

class ImageRunTest : public ::testing::Test {
 protected:
  MseRunOptions options_for(const std::filesystem::path& out) {
    MseRunOptions options;
    options.input.model = model;
    options.input.data.data = data;
    options.output.out = out;
    options.perturbation.baseline = Baseline::black;  // a blur of 16 pixels hides nothing
    options.mse.grid = 3;
    options.compute.threads = 2;
    options.pictures = 0;
    return options;
  }

  /// Its records but for the times.
  static std::vector<Json> timeless(std::vector<Json> records) {
    for (Json& record : records) record.erase("seconds");
    return records;
  }

  const TemporaryFolder folder;
  const std::filesystem::path model = save_card(folder), data = save_photographs(folder, 12);
  RunObserver silent;
};

/// Says no after so many calls.
class Stopper : public RunObserver {
 public:
  explicit Stopper(int calls) : left_(calls) {}
  bool progress(const RunProgress& now) override {
    last = now;
    return --left_ > 0;
  }

  RunProgress last;

 private:
  int left_;
};

TEST_F(ImageRunTest, DoesAWholeRunAndReturnsItsSummary) {
  const RunResult result = run_mse(options_for(folder / "run"), silent, invented(colours));
  EXPECT_TRUE(result.complete);
  EXPECT_EQ(result.errors, 0);
  EXPECT_EQ(result.summary["statuses"]["ok"], 12);
  const auto records = records_in(folder / "run");
  ASSERT_EQ(records.size(), 12);
  EXPECT_EQ(records[0]["image"], "1000.png");
  EXPECT_EQ(records[0]["predicted"], 0);  // red
  EXPECT_EQ(records[0]["content"].get<std::string>().size(), 64);
  EXPECT_NE(records[0]["content"], records[1]["content"]);
  EXPECT_EQ(Json::parse(read_file(folder / "run" / "summary.json")), result.summary);
  EXPECT_EQ(Json::parse(read_file(folder / "run" / "run.json"))["status"], "done");
}

TEST_F(ImageRunTest, HasNothingToDoASecondTime) {
  const RunResult first = run_mse(options_for(folder / "run"), silent, invented(colours));
  const RunResult again = run_mse(options_for(folder / "run"), silent, [](const auto&, const auto&) {
    ADD_FAILURE() << "the model was loaded";
    return std::shared_ptr<Classifier>();
  });
  EXPECT_TRUE(again.complete);
  EXPECT_EQ(again.summary, first.summary);
}

TEST_F(ImageRunTest, GoesOnWhereTheObserverStoppedIt) {
  Stopper stopper(4);
  MseRunOptions options = options_for(folder / "run");
  options.compute.images_in_flight = 2;
  const RunResult part = run_mse(options, stopper, invented(colours));
  EXPECT_FALSE(part.complete);
  EXPECT_TRUE(part.summary.is_null());
  EXPECT_LT(stopper.last.done, 12);
  EXPECT_EQ(Json::parse(read_file(folder / "run" / "run.json"))["status"], "stopped");

  EXPECT_TRUE(run_mse(options, silent, invented(colours)).complete);
  EXPECT_TRUE(run_mse(options_for(folder / "whole"), silent, invented(colours)).complete);
  EXPECT_EQ(timeless(records_in(folder / "run")), timeless(records_in(folder / "whole")));
  EXPECT_EQ(Json::parse(read_file(folder / "run" / "run.json"))["sessions"], 2);
}

TEST_F(ImageRunTest, RefusesToGoOnWithAnOptionThatChangesRecords) {
  run_mse(options_for(folder / "run"), silent, invented(colours));
  MseRunOptions other = options_for(folder / "run");
  other.mse.max_overlap = 2;
  EXPECT_THROW(run_mse(other, silent, invented(colours)), UsageError);
  other = options_for(folder / "run");
  other.compute.threads = 1;  // changes no record
  EXPECT_NO_THROW(run_mse(other, silent, invented(colours)));
}

TEST_F(ImageRunTest, SpeaksOfOptionsByKey) {
  MseRunOptions options = options_for(folder / "run");
  options.mse.max_evaluations = 2;
  try {
    run_mse(options, silent, invented(colours));
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "'max_evaluations' must be at least 3, not 2");
  }
}

class CountsOnly : public Summary {
 public:
  void add(const Json& record) override { ++statuses_[record["status"].get<std::string>()]; }
  Json to_json() const override { return {{"statuses", statuses_}, {"top1", {{"n", 0}, {"count", 0}}}}; }

 private:
  std::map<std::string, long> statuses_;
};

/// Takes its time for every record, and looks at itself then.
class SlowAnalysis : public ImageAnalysis {
 public:
  using ImageAnalysis::ImageAnalysis;

 private:
  Task<void> explain(std::size_t index, ImageFacts facts, ImageInFlight&) override {
    write(index, facts, [this](const ImageFacts& f) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      return blank_record(f, *status_, "");
    });
    co_return;
  }
  Json blank_record(const ImageFacts& facts, std::string_view status,
                    std::string_view reason) const override {
    return preamble(facts, status, reason);
  }

  ModelRows most_rows(std::size_t) const override { return {1}; }
  void invent(std::size_t, ImageFacts, const LoadedImage&) override {}

  std::unique_ptr<const std::string> status_ = std::make_unique<std::string>("ok");
};

// The writer's jobs look at the analysis: whatever is thrown, they are done before it goes. Under the address
// sanitizer (run.lifetime) a job on a dead analysis ends the program.
TEST_F(ImageRunTest, WritesWhatIsQueuedBeforeAnExceptionLeavesTheRun) {
  static const RunKind kind{
      .tool = "slow", .statuses = {"ok", "error"}, .summary = [](const Json&) -> std::unique_ptr<Summary> {
        return std::make_unique<CountsOnly>();
      }};
  MseRunOptions options = options_for(folder / "run");
  options.compute.batch_size = "1";
  options.compute.threads = 1;
  std::atomic<int> rows = 0;
  std::size_t written_when_it_broke = 0;
  const auto breaks = [&](const at::Tensor& batch) {
    if (++rows > 8) {
      written_when_it_broke = records_in(folder / "run").size();
      throw std::runtime_error("the device is gone");
    }
    return colours(batch);
  };
  {
    ImageRun run(kind, options, {.options = values_of(options), .open = invented(breaks)}, silent);
    const auto analysis = std::make_unique<SlowAnalysis>(run);
    EXPECT_THROW(run.analyse(*analysis, {.grid = 3}), std::runtime_error);
  }
  EXPECT_LT(written_when_it_broke, 8);  // the others were queued
  EXPECT_EQ(records_in(folder / "run").size(), 8);
  EXPECT_EQ(Json::parse(read_file(folder / "run" / "run.json"))["status"], "failed");
}

TEST_F(ImageRunTest, CountsFromEarlierMsesOnlyOfTheSamePhotographs) {
  ASSERT_TRUE(run_mse(options_for(folder / "mses"), silent, invented(colours)).complete);
  write_file_atomically(data / "1003.png", photograph(8));
  SubexpRunOptions options;
  static_cast<SearchRunOptions&>(options) = options_for(folder / "counted");
  options.mses = folder / "mses";
  const RunResult result = run_subexp(options, silent, invented(colours));
  EXPECT_EQ(result.errors, 1);
  for (const Json& record : records_in(folder / "counted"))
    EXPECT_EQ(record["status"], record["image"] == "1003.png" ? "error" : "ok") << record["reason"];
  EXPECT_NE(to_text(records_in(folder / "counted")[3]["reason"]).find("SHA-256"), std::string::npos);
}

}  // namespace
}  // namespace xai
