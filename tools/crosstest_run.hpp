#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/app.hpp"
#include "common/run_log.hpp"
#include "crosstest_options.hpp"
#include "prediction_table.hpp"
#include "xai/crosstest/cross_tester.hpp"
#include "xai/record/cross_record.hpp"
#include "xai/store/finished_run.hpp"
#include "xai/store/run_folder.hpp"

namespace xai::tools {

/// One session of xai-crosstest (SPEC 7): maps from each model, then, for so many models at a time as memory
/// takes, their predictions on all images and their curves on the cross-tested ones.
class CrosstestRun {
 public:
  /// Throws what opening cards, data set, maps, baseline and folder throw. `options` outlive the run.
  CrosstestRun(const CrosstestToolOptions& options, std::vector<std::string> command);

  ExitCode run();

 private:
  using Model = std::size_t;  ///< index into options.models

  /// What a model looks at in an image.
  struct Source {
    std::optional<std::string> failure = {};  ///< why its map could not be made
    std::optional<int> target = {};           ///< class c, where known
    const char* problem = nullptr;            ///< why there is no test of it: "no-map", "map-target"
    std::vector<float> map = {};              ///< its cells; empty without one
  };

  bool complete() const;
  long unknown_images() const;
  int cells() const;
  cv::Mat read(const ImageEntry& image) const;

  bool make_maps();
  void test(Model first, Model last);
  void in_parallel(const std::string& title, std::size_t jobs, const CrossTester& tester,
                   const std::function<void(std::size_t)>& job);
  void predict(const CrossTester& tester, std::span<PredictionTable> tables, CrossTester::Shown shown);
  void cross_test(const CrossTester& tester, Model first, Model last);
  std::vector<Json> cross_test(const CrossTester& tester, Model first, Model last, std::size_t row) const;
  Json record_of(CrossPair pair, const Source& source, bool tested,
                 const std::vector<double>& revealed) const;
  Source source_of(Model source, const ImageEntry& image) const;

  ExitCode conclude();
  ExitCode report(const Json& summary) const;
  Json summarise();
  void draw(std::size_t row, std::span<const Json> records) const;
  Json conditions() const;

  const CrosstestToolOptions& options_;
  std::vector<std::string> command_;
  std::vector<ModelCard> cards_;
  DataSet data_;
  std::vector<std::size_t> tested_;  ///< images that are cross-tested, as indices into data_.images
  std::vector<std::optional<FinishedRun>> maps_;
  Json baseline_;  ///< to compare with; null without
  RunFolder folder_;
  RunLog log_;
  std::vector<PredictionTable> on_image_;     ///< of each model: a row an image
  std::vector<PredictionTable> on_baseline_;  ///< of each model: a row a cross-tested image
};

}  // namespace xai::tools
