#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "saliency_options.hpp"
#include "xai/record/cross_summary.hpp"

namespace xai::tools {

/// Every option of xai-crosstest.
struct CrosstestToolOptions {
  std::vector<std::filesystem::path> models;
  std::vector<std::filesystem::path> maps;  ///< finished runs of xai-saliency
  long cross_images = 0;     ///< so many of the images are cross-tested, evenly_spread(); 0 = all
  int models_in_memory = 0;  ///< 0 = all
  /// How missing maps are made. Its data set, perturbation, curves, compute and output options are those of
  /// cross-testing, too.
  SaliencyToolOptions saliency;
  ImagesRule images = ImagesRule::common;
  long pictures = 3;
  double reveal = 20;             ///< percent of the cells that pictures show
  std::filesystem::path compare;  ///< a baseline; empty = none
  double tolerance = 0.02;
  std::filesystem::path write_baseline;  ///< empty = none

  void add_to(CLI::App& app);
  void validate() const;
  /// The run of xai-saliency that makes the maps of a model named so.
  SaliencyToolOptions map_run(const std::filesystem::path& model, const std::string& name,
                              bool labelled) const;
  /// Those that can change a record, whoever made the maps.
  Json identity() const;
  /// All of them, for run.json.
  Json resolved() const;
};

}  // namespace xai::tools
