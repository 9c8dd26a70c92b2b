#pragma once

#include <functional>
#include <vector>

#include "common/image_run.hpp"
#include "common/options.hpp"
#include "xai/record/image_facts.hpp"

namespace xai::tools {

/// What the analyses of one image have in common: the way from the file to the explained class, and from the
/// result to its record. Records are made and written behind the engine's back, in the order in which images
/// are finished.
class ImageAnalysis : public Analysis {
 public:
  /// Analyses run.todo(). Everything given outlives the analysis.
  ImageAnalysis(ImageRun& run, const InputOptions& input, const TargetOptions& target, Baseline baseline,
                Background& writer);

  LoadedImage load(std::size_t index) override;
  void failed(std::size_t index, const std::exception& error) override;

 protected:
  using MakeRecord = std::function<Json(const ImageFacts&)>;

  virtual Json skipped_record(const ImageFacts& facts, const char* reason) const = 0;
  virtual Json failed_record(const ImageFacts& facts, const std::string& message) const = 0;

  /// An image's place in the data set.
  std::size_t position(std::size_t index) const { return run_.todo()[index]; }
  /// It is among the first `count` of the data set; -1 = all.
  bool among_first(std::size_t index, long count) const {
    return count < 0 || position(index) < static_cast<std::size_t>(count);
  }
  /// Its name, label, prediction, and the class to explain.
  ImageFacts facts_of(std::size_t index, const Prediction& intact) const;
  /// Writes the record of an image that the options leave out; tells whether they do.
  bool skip(std::size_t index, const ImageFacts& facts);
  /// Makes and writes an image's record. `make_record` runs on the writer's thread, and may write files too.
  void write(std::size_t index, ImageFacts facts, MakeRecord make_record);

  ImageRun& run_;
  Background& writer_;

 private:
  ImageFacts facts_of(std::size_t index) const;

  const InputOptions& input_;
  const TargetOptions& target_;
  Baseline baseline_;
  std::vector<Stopwatch> since_loading_;  // of each image
};

}  // namespace xai::tools
