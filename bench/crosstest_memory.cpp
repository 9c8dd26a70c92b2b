// The memory of a run of cross-testing that does not depend on models: crosstest_memory [IMAGES [MODELS
// [CLASSES]]] cross-tests an invented classifier and prints the peak above what the program needs for a tenth
// of the photographs.
#include <cstdlib>
#include <iostream>

#include "run/many_photographs.hpp"
#include "xai/core/log.hpp"
#include "xai/core/memory.hpp"
#include "xai/core/stopwatch.hpp"

namespace {

using namespace xai;

void cross_test(int images, int models, int classes) {
  const TemporaryFolder folder;
  RunObserver silent;
  run_crosstest(testing::many_photographs(folder, images, models, classes), silent,
                testing::invented(testing::no_class_one(classes)));
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
