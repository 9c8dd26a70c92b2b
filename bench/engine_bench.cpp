// Share of the time that is the model's: the engine with real searches against a plain loop over ready
// batches, in turns, in one process. Runs on a GPU as well:
//   build/release/bin/engine_bench --model models/efficientnet_lite0.pt --data photos --device cuda
//   --batch-size 256
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "common/app.hpp"
#include "common/options.hpp"
#include "xai/core/error.hpp"
#include "xai/core/stopwatch.hpp"
#include "xai/data/image.hpp"
#include "xai/model/preprocess.hpp"
#include "xai/search/mse.hpp"

namespace xai::tools {
namespace {

/// Searches every image and throws the results away.
class SearchOnly : public Analysis {
 public:
  SearchOnly(const DataSet& data, const ModelCard& card, const MseOptions& options, long max_pixels)
      : data_(data), card_(card), options_(options), max_pixels_(max_pixels) {}
  LoadedImage load(std::size_t index) override {
    const at::Tensor image = preprocess(read_photograph(data_.images[index].path, max_pixels_).rgb, card_);
    return {image, make_baseline(image, Baseline::blur, card_.mean), {}};
  }
  Task<void> analyse(std::size_t, ImageSession& image) override {
    const MseResult result = co_await find_mses(image.scorer(image.prediction().predicted), options_);
    found += static_cast<long>(result.mses.size());
  }
  void failed(std::size_t, const std::exception& error) override { throw DataError(error.what()); }

  long found = 0;

 private:
  const DataSet& data_;
  const ModelCard& card_;
  MseOptions options_;
  long max_pixels_;
};

/// Rows a second of the bare module on batches that are ready: `loops` loops at once, each with `threads`
/// inside.
double plain_loop(Classifier& classifier, int batch_size, long rows, int loops, int threads) {
  const ModelCard& card = classifier.card();
  const at::Tensor batch = at::rand({batch_size, 3, card.height, card.width}, classifier.device());
  const long batches = (rows + batch_size - 1) / batch_size / loops + 1;
  const Stopwatch time;
  std::vector<std::thread> running;
  for (int loop = 0; loop < loops; ++loop)
    running.emplace_back([&] {
      at::set_num_threads(threads);
      for (long i = 0; i < batches; ++i) classifier.logits(batch).select(0, 0).cpu();
    });
  for (std::thread& loop : running) loop.join();
  at::set_num_threads(1);
  return static_cast<double>(loops * batches * batch_size) / time.seconds();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace
}  // namespace xai::tools

int main(int argc, char** argv) {
  using namespace xai;
  using namespace xai::tools;
  CLI::App app(
      "Evaluations a second of the engine with real searches, as a share of a plain loop over ready batches.",
      "engine_bench");
  AppOptions app_options;
  InputOptions input;
  ComputeOptions compute;
  MseOptions mse;
  mse.max_evaluations = 300;
  int rounds = 5;
  input.add_to(app);
  compute.add_to(app);
  app.add_option("--max-evaluations", mse.max_evaluations, "Budget of one image")->capture_default_str();
  app.add_option("--rounds", rounds, "Turns of each of the two")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  return run_app(app, argc, argv, app_options, [&] {
    require_path(input.model, "--model", "a TorchScript model");
    require_path(input.data.data, "--data", "photographs");
    const auto classifier = compute.open(input.model, Json());
    const DataSet data = open_data_set(input.data, classifier->card().class_list.ids);
    const EngineOptions options = compute.engine_options({.grid = mse.grid}, classifier->device());
    Engine engine(*classifier, options);
    std::vector<double> ratios;
    const int batch = options.batch_size, lanes = options.lanes;
    const auto search_all = [&](SearchOnly analysis) {
      const EngineReport report = engine.run(data.images.size(), analysis);
      return std::pair(report, analysis.found);
    };
    MseOptions little = mse;  // warm-up
    little.max_evaluations = std::min(50L, mse.max_evaluations);
    search_all({data, classifier->card(), little, input.max_pixels});
    plain_loop(*classifier, batch, 4L * lanes * batch, lanes, 1);
    std::printf("%d lanes, batches of %d; rows a second, and the engine's share of the better plain loop\n",
                lanes, batch);
    std::printf("round  one loop  %d loops  engine  share  model %%  compose %%  padding %%  MSEs\n", lanes);
    for (int round = 0; round < rounds; ++round) {
      const Stopwatch time;
      const auto [report, found] = search_all({data, classifier->card(), mse, input.max_pixels});
      const double seconds = time.seconds(), lane_seconds = seconds * lanes;
      const double rows = static_cast<double>(report.rows), padding = static_cast<double>(report.padding);
      const double one_loop =
          plain_loop(*classifier, batch, report.rows, 1, classifier->device().is_cpu() ? lanes : 1);
      const double loops = plain_loop(*classifier, batch, report.rows, lanes, 1);
      ratios.push_back(rows / seconds / std::max(one_loop, loops));
      std::printf("%5d  %8.1f  %7.1f  %6.1f  %5.3f  %7.1f  %9.1f  %9.1f  %4ld\n", round + 1, one_loop, loops,
                  rows / seconds, ratios.back(), 100 * report.model_seconds / lane_seconds,
                  100 * report.compose_seconds / lane_seconds, 100 * padding / (rows + padding), found);
      std::fflush(stdout);
    }
    std::printf("median share %.3f\n", median(ratios));
    return done;
  });
}
