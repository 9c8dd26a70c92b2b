#pragma once

#include "common/image_analysis.hpp"
#include "mse_options.hpp"

namespace xai::tools {

/// The way of one image from its file to its record and picture.
class MseAnalysis : public ImageAnalysis {
 public:
  /// Everything given outlives the analysis.
  MseAnalysis(const MseToolOptions& options, ImageRun& run, Background& writer);

  Task<void> analyse(std::size_t index, ImageSession& session) override;

 private:
  Json skipped_record(const ImageFacts& facts, const char* reason) const override;
  Json failed_record(const ImageFacts& facts, const std::string& message) const override;

  const MseToolOptions& options_;
};

}  // namespace xai::tools
