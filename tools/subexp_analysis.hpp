#pragma once

#include <optional>

#include "common/image_analysis.hpp"
#include "subexp_options.hpp"
#include "xai/record/sub_explanation_record.hpp"

namespace xai::tools {

/// The way of one image from its file, or from its MSEs of an earlier run, to its record and graph.
class SubexpAnalysis : public ImageAnalysis {
 public:
  /// `earlier`: the run of --mses, or null. Everything given outlives the analysis.
  SubexpAnalysis(const SubexpToolOptions& options, const FinishedRun* earlier, ImageRun& run,
                 Background& writer);

  Task<void> analyse(std::size_t index, ImageSession& session) override;

 private:
  Json skipped_record(const ImageFacts& facts, const char* reason) const override;
  Json failed_record(const ImageFacts& facts, const std::string& message) const override;
  /// The earlier run's MSEs, which the scorer is told of.
  MseResult known_mses(const ImageFacts& facts, Scorer& scorer) const;
  bool wants_graph(std::size_t index, const std::string& image) const;
  void draw(const ImageFacts& facts, const MseResult& found, const CountedImage& counted,
            const at::Tensor& image);

  const SubexpToolOptions& options_;
  const FinishedRun* earlier_;
  bool told_of_graphviz_ = false;  // the writer's
};

}  // namespace xai::tools
