#pragma once

#include <cstddef>
#include <exception>
#include <functional>

#include "xai/core/patch_grid.hpp"
#include "xai/core/task.hpp"
#include "xai/engine/image_in_flight.hpp"
#include "xai/model/classifier.hpp"

namespace xai {

struct EngineOptions {
  int grid = 7;                    ///< cells (patches) a side of every mask, >= 2
  MaskKind mask = MaskKind::soft;  ///< shape of the visible mask
  int batch_size = 8;        ///< rows of every batch that the model sees, >= 1; the last ones are padded
  int lanes = 1;             ///< batches under way at once, each on a thread of its own, >= 1
  int images_in_flight = 4;  ///< images whose analyses are under way at once, >= 1
  int prefetch = 4;          ///< images that are decoded ahead, each on its own thread, >= 1

  /// Throws UsageError naming the option by its key, its value and the bound. `lanes` are 'threads'.
  void validate() const;
};

/// What is done with every image of a run. All but load() is called on the engine's thread.
class Analysis {
 public:
  virtual ~Analysis() = default;

  /// Decodes, preprocesses and blurs image `index`. On several threads at once. What it throws goes to
  /// failed().
  virtual LoadedImage load(std::size_t index) = 0;

  /// The analysis of one image, as it reads in a paper: `image` outlives the coroutine. A DataError that it
  /// throws goes to failed(), anything else ends the run: batches under way come back, and the coroutines of
  /// other images are destroyed where they stand.
  virtual Task<void> analyse(std::size_t index, ImageInFlight& image) = 0;

  /// Image `index` could not be analysed; the run goes on.
  virtual void failed(std::size_t index, const std::exception& error) = 0;
};

/// What an engine did.
struct EngineReport {
  long rows = 0;               ///< images through the model that were asked for
  long backward = 0;           ///< those of them that went back through it, for a gradient or features
  long padding = 0;            ///< images through the model that only filled a batch
  int batch_size = 0;          ///< at the end: smaller than asked for where memory ran out
  double model_seconds = 0;    ///< in the model, until its answers were read; summed over the lanes
  double compose_seconds = 0;  ///< making masked batches; summed over the lanes
  std::size_t images = 0;      ///< finished or failed
};

/// Packs the questions of many images' searches into full batches of one shape (docs/architecture.md).
///
/// The answers an analysis gets do not depend on batch size, images in flight or prefetch, but for float
/// noise in p. The oldest image is served first, so memory depends on the images in flight and not on the
/// length of the data set. When memory runs out the batch is halved and the rows are sent again.
class Engine {
 public:
  /// `classifier` outlives the engine.
  Engine(Classifier& classifier, const EngineOptions& options);

  /// Analyses images 0 .. count-1. `keep_going` is asked after every batch; when it says no, images under way
  /// are dropped. Throws ModelError when even a batch of one does not fit, and what the analysis throws.
  EngineReport run(
      std::size_t count, Analysis& analysis,
      const std::function<bool(const EngineReport&)>& keep_going = [](const EngineReport&) { return true; });

 private:
  Classifier& classifier_;
  EngineOptions options_;
};

}  // namespace xai
