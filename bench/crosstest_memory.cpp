// The memory of a run of cross-testing that does not depend on models: crosstest_memory [IMAGES [MODELS
// [CLASSES]]] cross-tests an invented classifier and prints the peak above what the program needs for a tenth
// of the photographs.
#include <cstdlib>
#include <iostream>

#include "run/invented.hpp"
#include "xai/core/log.hpp"
#include "xai/core/memory.hpp"
#include "xai/core/stopwatch.hpp"
#include "xai/run/crosstest.hpp"

namespace {

using namespace xai;

/// The photograph of class 1 has no probability, so there are no maps and no curves: all else is as in any
/// run.
at::Tensor no_class_one(const at::Tensor& batch, int classes) {
  at::Tensor logits = at::zeros({batch.size(0), classes});
  logits.select(1, 1).fill_(-1e4);
  return logits;
}

void cross_test(int images, int models, int classes) {
  const TemporaryFolder folder;
  CrosstestRunOptions options;
  for (int m = 0; m < models; ++m)
    options.models.push_back(testing::save_card(folder, "model" + std::to_string(m), classes));
  options.input.data.data = testing::save_photographs(folder, images);
  std::string labels = "path,label\n";
  for (int i = 0; i < images; ++i) labels += std::to_string(1000 + i) + ".png,1\n";
  write_file_atomically(folder / "labels.csv", labels);
  options.input.data.labels = folder / "labels.csv";
  options.output.out = folder / "run";
  options.making.method = SaliencyMethod::rise;
  options.making.size = 4;
  options.making.rise = {.masks = 1, .cells = 2};
  options.curve.steps = 8;
  options.pictures = 0;
  RunObserver silent;
  run_crosstest(options, silent, testing::invented([classes](const at::Tensor& batch) {
                  return no_class_one(batch, classes);
                }));
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, int otherwise) { return argc > i ? std::atoi(argv[i]) : otherwise; };
  const int images = argument(1, 50'000), models = argument(2, 13), classes = argument(3, 1000);
  keep_freed_memory();
  log::set_level(log::Level::error);
  const auto megabytes = [] { return static_cast<double>(peak_memory_bytes()) / 1e6; };
  const double empty = megabytes();
  cross_test(images / 10, models, classes);
  const double tenth = megabytes();
  const Stopwatch time;
  cross_test(images, models, classes);
  std::cout << images << " photographs x " << models << " models x " << classes << " classes: peak "
            << megabytes() << " MB; with a tenth of the photographs " << tenth << " MB, at the start "
            << empty << " MB; " << time.seconds() << " s\n";
}
