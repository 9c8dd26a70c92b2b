#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/app.hpp"
#include "common/options.hpp"
#include "common/run_log.hpp"
#include "xai/core/background.hpp"
#include "xai/core/stopwatch.hpp"
#include "xai/engine/engine.hpp"
#include "xai/store/run_folder.hpp"
#include "xai/store/run_info.hpp"

namespace xai::tools {

/// Opens the data set of models with this card's classes. Throws UsageError where a label is none of them.
DataSet open_data(const DataSetOptions& options, const ModelCard& card);

/// What run.json says of a model and of the data set.
Json model_record(const std::filesystem::path& path, const ModelCard& card);
Json data_record(const DataSetOptions& options, const DataSet& data);

/// What must be equal of the data set for a run to go on.
Json data_identity(const DataSet& data);

/// One session of a run over a data set: what every tool does around its analysis. Opens model card, data set
/// and run folder, finds out what is left to do, runs the engine with progress, and keeps run.json true.
class ImageRun {
 public:
  struct Setup {
    std::string tool;                  ///< "xai-mse"
    std::vector<std::string> command;  ///< argv
    const InputOptions& input;
    const ComputeOptions& compute;
    const OutputOptions& output;
    Json identity;  ///< options that can change a record
    Json options;   ///< all options
    bool quiet;
    bool gradients = false;  ///< the analysis asks for gradients
  };

  /// Throws what opening card, data set and folder throw, and UsageError where a label does not fit the
  /// model.
  explicit ImageRun(Setup setup);

  const ModelCard& card() const { return card_; }
  const DataSet& data() const { return data_; }
  RunFolder& folder() { return folder_; }
  /// The images without a record, as indices into data().images.
  const std::vector<std::size_t>& todo() const { return todo_; }
  /// Appends the records of those images of todo() for which `known` gives one; null: the image stays there.
  void settle(const std::function<Json(const std::string& image)>& known);
  /// An earlier session finished the run, and without errors; says so.
  bool nothing_to_do() const;

  /// Loads the model and analyses todo() until all is done or a signal comes. Records are appended by jobs
  /// that the analysis posts to `writer`. On an exception run.json says "failed", and it is thrown on.
  void analyse(Analysis& analysis, EngineOptions engine_options, Background& writer);

  /// Every image has its record.
  bool complete() const { return folder_.done_count() == static_cast<long>(data_.images.size()); }
  /// Calls `use` with every record; those of a complete run have been brought into the data set's order.
  void for_each_record(const std::function<void(const Json&)>& use);
  /// Ends a run that analyse() came back from: writes the summary of a complete one, closes run.json as
  /// "done" or "stopped", and says on stderr what there is to say. Gives the tool's exit code.
  ExitCode conclude(const Json& summary);

 private:
  bool finished() const;

  Setup setup_;
  ModelCard card_;
  DataSet data_;
  RunFolder folder_;
  RunLog log_;
  std::vector<std::size_t> todo_;
};

}  // namespace xai::tools
