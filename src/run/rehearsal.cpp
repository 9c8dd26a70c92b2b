#include "rehearsal.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <mutex>

#include "xai/core/error.hpp"
#include "xai/core/log.hpp"
#include "xai/core/parallel.hpp"
#include "xai/core/stopwatch.hpp"

namespace xai {
namespace {

constexpr std::size_t wanted_photographs = 4, tried_photographs = 16;

/// Asks one kind of question about its photographs, always as many as all lanes have room for, without end.
class Questioner : public Analysis {
 public:
  Questioner(const EngineOptions& options, const std::vector<LoadedImage>& photographs, Want want)
      : photographs_(photographs) {
    const MaskQuestion question{.masks = at::rand({1, options.grid, options.grid}), .want = want};
    questions_.assign(static_cast<std::size_t>(2 * options.lanes * options.batch_size), question);
  }

  LoadedImage load(std::size_t index) override { return photographs_[index]; }
  Task<void> analyse(std::size_t, ImageInFlight& image) override {
    MaskScorer& scorer = image.masks(image.prediction().predicted);
    while (true) co_await scorer.answers(questions_);
  }
  void failed(std::size_t, const std::exception& error) override { log::debug(error.what()); }

 private:
  const std::vector<LoadedImage>& photographs_;
  std::vector<MaskQuestion> questions_;
};

/// Rows a second; 0 where the model has no answer for any of the photographs.
double rows_per_second(Classifier& classifier, const EngineOptions& options,
                       const std::vector<LoadedImage>& photographs, Want want) {
  Questioner questioner(options, photographs, want);
  std::optional<Stopwatch> since;
  long rows_before = 0, batches = 0;
  double speed = 0;
  const auto keep_going = [&](const EngineReport& now) {
    const long rows = want == Want::probability ? now.rows : now.backward;
    if (!since && ++batches > 2 * options.lanes && rows > 0) {  // intact images and first batches apart
      since.emplace();
      rows_before = rows;
    }
    if (!since || rows == rows_before) return true;
    speed = static_cast<double>(rows - rows_before) / since->seconds();
    return since->seconds() < measuring_seconds;
  };
  Engine(classifier, options).run(photographs.size(), questioner, keep_going);
  return speed;
}

}  // namespace

Sample read_sample(std::size_t count, int threads, const std::function<void(std::size_t)>& read,
                   const std::function<void(std::size_t, const std::exception&)>& failed) {
  const Stopwatch time;
  const std::size_t end = std::min(count, tried_photographs);
  Sample sample;
  std::mutex mutex;
  for (std::size_t first = 0; first < end && sample.indices.size() < wanted_photographs;) {
    const std::size_t some = std::min(end - first, wanted_photographs - sample.indices.size());
    for_each_in_parallel(some, threads, [&](std::size_t i) {
      try {
        read(first + i);
        const std::lock_guard lock(mutex);
        sample.indices.push_back(first + i);
      } catch (const DataError& error) {
        const std::lock_guard lock(mutex);
        failed(first + i, error);
      }
    });
    first += some;
  }
  std::sort(sample.indices.begin(), sample.indices.end());
  if (!sample.indices.empty()) sample.seconds = time.seconds() / static_cast<double>(sample.indices.size());
  return sample;
}

ModelSpeed measure_speed(Classifier& classifier, const EngineOptions& options,
                         const std::vector<LoadedImage>& photographs, std::optional<Want> backward) {
  ModelSpeed speed;
  if (photographs.empty()) return speed;
  speed.forward = rows_per_second(classifier, options, photographs, Want::probability);
  if (backward) speed.backward = rows_per_second(classifier, options, photographs, *backward);
  return speed;
}

}  // namespace xai
