#pragma once

#include <functional>
#include <vector>

#include "mse_options.hpp"
#include "xai/core/background.hpp"
#include "xai/core/stopwatch.hpp"
#include "xai/engine/engine.hpp"
#include "xai/report/mse_record.hpp"
#include "xai/report/run_folder.hpp"

namespace xai::tools {

/// The way of one image from its file to its record and picture. Records are made and written behind the
/// engine's back, in the order in which images are finished.
class MseAnalysis : public Analysis {
 public:
  /// `todo`: the images to analyse, as indices into data.images. Everything given outlives the analysis.
  MseAnalysis(const MseToolOptions& options, const DataSet& data, const std::vector<std::size_t>& todo,
              const ModelCard& card, RunFolder& folder, Background& writer);

  LoadedImage load(std::size_t index) override;
  Task<void> analyse(std::size_t index, ImageSession& session) override;
  void failed(std::size_t index, const std::exception& error) override;

 private:
  using MakeRecord = std::function<Json(const ImageFacts&)>;

  ImageFacts facts_of(std::size_t index) const;
  bool wants_picture(std::size_t index) const;
  void write(std::size_t index, ImageFacts facts, MakeRecord make_record);

  const MseToolOptions& options_;
  const DataSet& data_;
  const std::vector<std::size_t>& todo_;
  const ModelCard& card_;
  RunFolder& folder_;
  Background& writer_;
  std::vector<Stopwatch> since_loading_;  // of each image
};

}  // namespace xai::tools
