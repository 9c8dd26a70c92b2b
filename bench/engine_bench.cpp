// Share of the time that is the model's: the engine with real searches against a plain loop over ready
// batches, in turns, in one process. Runs on a GPU as well:
//   build/release/bin/engine_bench --model models/efficientnet_lite0.pt --data photos --device cuda
//   --batch-size 256
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <opencv2/core/utility.hpp>
#include <thread>

#include "xai/core/error.hpp"
#include "xai/core/stopwatch.hpp"
#include "xai/data/data_set.hpp"
#include "xai/data/image.hpp"
#include "xai/engine/engine.hpp"
#include "xai/model/preprocess.hpp"
#include "xai/search/mse.hpp"

namespace xai {
namespace {

constexpr long max_pixels = 100'000'000;

struct BenchOptions {
  std::filesystem::path model;
  DataSetOptions data;
  std::string device = "auto", precision = "fp32";
  int batch_size = 0;        ///< 0 = 8 on a CPU, 128 on CUDA
  int threads = 0;           ///< CPU lanes; 0 = all cores
  int images_in_flight = 0;  ///< 0 = enough to fill batches
  bool tune = true;
  MseOptions mse{.max_evaluations = 300};
  int rounds = 5;

  void add_to(CLI::App& app) {
    app.add_option("--model", model, "TorchScript model NAME.pt with its card beside it")->required();
    app.add_option("--data", data.data, "Photographs: a folder, a list or one image")->required();
    app.add_option("--limit", data.limit, "Only the first N images; 0 = all");
    app.add_option("--device", device, "auto, cpu, cuda or cuda:N");
    app.add_option("--precision", precision)->check(CLI::IsMember({"fp32", "tf32", "bf16", "fp64"}));
    app.add_option("--batch-size", batch_size, "0 = 8 on a CPU, 128 on CUDA");
    app.add_option("--threads", threads, "CPU lanes; 0 = all cores");
    app.add_option("--images-in-flight", images_in_flight, "0 = enough to fill batches");
    app.add_flag("--tune,!--no-tune", tune, "Measure at start how the model runs best");
    app.add_option("--max-evaluations", mse.max_evaluations, "Budget of one image");
    app.add_option("--rounds", rounds, "Turns of each of the two")->check(CLI::Range(1, 1000));
  }

  EngineOptions engine_options(const at::Device& on) const {
    EngineOptions options{.grid = mse.grid};
    options.batch_size = batch_size > 0 ? batch_size : on.is_cuda() ? 128 : 8;
    const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    options.lanes = on.is_cuda() ? 2 : threads > 0 ? threads : cores;
    options.images_in_flight =
        images_in_flight > 0 ? images_in_flight : std::max(8, options.lanes * options.batch_size / 4);
    return options;
  }
};

/// Searches every image and throws the results away.
class SearchOnly : public Analysis {
 public:
  SearchOnly(const DataSet& data, const ModelCard& card, const MseOptions& options)
      : data_(data), card_(card), options_(options) {}
  LoadedImage load(std::size_t index) override {
    const at::Tensor image = preprocess(read_photograph(data_.images[index].source, max_pixels).rgb, card_);
    return {image, make_baseline(image, Baseline::blur, card_.mean), {}};
  }
  Task<void> analyse(std::size_t, ImageInFlight& image) override {
    const MseResult result = co_await find_mses(image.scorer(image.prediction().predicted), options_);
    found += static_cast<long>(result.mses.size());
  }
  void failed(std::size_t, const std::exception& error) override { throw DataError(error.what()); }

  long found = 0;

 private:
  const DataSet& data_;
  const ModelCard& card_;
  MseOptions options_;
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

void bench(const BenchOptions& options) {
  at::set_num_threads(1);  // the engine's lanes are the threads
  cv::setNumThreads(1);
  const at::Device device = parse_device(options.device);
  const EngineOptions of_engine = options.engine_options(device);
  const int batch = of_engine.batch_size, lanes = of_engine.lanes;
  const auto classifier =
      open_classifier(read_model_card(options.model), {.device = device,
                                                       .precision = *named<Precision>(options.precision),
                                                       .batch_size = batch,
                                                       .tune = options.tune});
  const DataSet data = open_data_set(options.data, classifier->card().class_list, classifier->card().classes);
  Engine engine(*classifier, of_engine);
  const auto search_all = [&](const MseOptions& mse) {
    SearchOnly analysis(data, classifier->card(), mse);
    const EngineReport report = engine.run(data.images.size(), analysis);
    return std::pair(report, analysis.found);
  };
  MseOptions little = options.mse;  // warm-up
  little.max_evaluations = std::min(50L, little.max_evaluations);
  search_all(little);
  plain_loop(*classifier, batch, 4L * lanes * batch, lanes, 1);
  std::printf("%d lanes, batches of %d; rows a second, and the engine's share of the better plain loop\n",
              lanes, batch);
  std::printf("round  one loop  %d loops  engine  share  model %%  compose %%  padding %%  MSEs\n", lanes);
  std::vector<double> ratios;
  for (int round = 0; round < options.rounds; ++round) {
    const Stopwatch time;
    const auto [report, found] = search_all(options.mse);
    const double seconds = time.seconds(), lane_seconds = seconds * lanes;
    const double rows = static_cast<double>(report.rows), padding = static_cast<double>(report.padding);
    const double one_loop = plain_loop(*classifier, batch, report.rows, 1, device.is_cpu() ? lanes : 1);
    const double loops = plain_loop(*classifier, batch, report.rows, lanes, 1);
    ratios.push_back(rows / seconds / std::max(one_loop, loops));
    std::printf("%5d  %8.1f  %7.1f  %6.1f  %5.3f  %7.1f  %9.1f  %9.1f  %4ld\n", round + 1, one_loop, loops,
                rows / seconds, ratios.back(), 100 * report.model_seconds / lane_seconds,
                100 * report.compose_seconds / lane_seconds, 100 * padding / (rows + padding), found);
    std::fflush(stdout);
  }
  std::printf("median share %.3f\n", median(ratios));
}

}  // namespace
}  // namespace xai

int main(int argc, char** argv) {
  CLI::App app(
      "Evaluations a second of the engine with real searches, as a share of a plain loop over ready batches.",
      "engine_bench");
  xai::BenchOptions options;
  options.add_to(app);
  CLI11_PARSE(app, argc, argv);
  try {
    xai::bench(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 2;
  }
  return 0;
}
