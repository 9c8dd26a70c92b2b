#pragma once

#include "common/image_analysis.hpp"
#include "saliency_options.hpp"
#include "xai/model/split_classifier.hpp"
#include "xai/record/saliency_record.hpp"

namespace xai::tools {

/// The way of one image from its file to its map, scores, record and picture.
class SaliencyAnalysis : public ImageAnalysis {
 public:
  /// Everything given outlives the analysis.
  SaliencyAnalysis(const SaliencyToolOptions& options, ImageRun& run, Background& writer);

  Task<void> analyse(std::size_t index, ImageSession& session) override;

  const SaliencySetting& setting() const { return setting_; }

 private:
  /// Makes the map, s x s float32, and notes in `facts` how.
  Task<at::Tensor> make_map(ImageSession& session, const ImageFacts& image, SaliencyFacts& facts);
  Json skipped_record(const ImageFacts& facts, const char* reason) const override;
  Json failed_record(const ImageFacts& facts, const std::string& message) const override;

  const SaliencyToolOptions& options_;
  SaliencySetting setting_;
  MaskComposer composer_;                 // of cells of double on the CPU, for the bilateral penalty
  std::optional<SplitClassifier> split_;  // for Grad-CAM
};

}  // namespace xai::tools
