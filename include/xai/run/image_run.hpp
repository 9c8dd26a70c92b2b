#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "xai/core/background.hpp"
#include "xai/core/stopwatch.hpp"
#include "xai/engine/engine.hpp"
#include "xai/record/image_facts.hpp"
#include "xai/run/session.hpp"

namespace xai {

class ImageAnalysis;

/// A run of one model over the images of a data set: what every such run does around its analysis. Opens
/// model card, data set and run folder, finds out what is left to do, runs the engine, keeps run.json true
/// and writes the summary.
class ImageRun {
 public:
  /// What of the run its analysis adds.
  struct Setup {
    OptionValues options;  ///< of all options
    /// What else must be equal for a run to go on, as an object.
    std::function<Json(const ModelCard&)> further_identity = {};
    bool gradients = false, features = false;  ///< that the analysis asks the model for
    OpenModel open = default_models();
  };

  /// `kind`, `options` and `observer` outlive the run. Throws UsageError, ModelError, DataError or IoError
  /// where something cannot be opened, or does not fit the rest.
  ImageRun(const RunKind& kind, const ImageRunOptions& options, Setup setup, RunObserver& observer);

  const ImageRunOptions& options() const { return options_; }
  const ModelCard& card() const { return card_; }
  /// All of it, also where the run has a share.
  const DataSet& data() const { return data_; }
  const RunFolder& folder() const { return folder_; }
  /// The run's images without a record, as indices into data().images.
  const std::vector<std::size_t>& todo() const { return todo_; }
  /// Appends the records of those images of todo() for which `known` gives one; null: the image stays there.
  void settle(const std::function<Json(const std::string& image)>& known);

  /// Everything there is to do, or nothing where an earlier session did it: loads the model, analyses todo()
  /// until all is done or the observer says no, and sums up. Records on their way when something is thrown
  /// are written first; then run.json says "failed", and it is thrown on.
  /// In a dry run, says what that would cost.
  RunResult analyse(ImageAnalysis& analysis, const EngineOptions& shape);

 private:
  friend class ImageAnalysis;

  /// An earlier session did everything.
  bool finished() const { return finished_; }
  /// The number of the run's images.
  long images() const { return static_cast<long>(shard_.size_of(data_.images.size())); }
  bool complete() const { return folder_.done_count() == images(); }
  RunResult finished_result() const;
  RunResult plan_of(ImageAnalysis& analysis, const EngineOptions& shape);
  PlannedPart measured(ImageAnalysis& analysis, const EngineOptions& shape, std::int64_t& bytes);
  std::int64_t bytes_of(ImageAnalysis& analysis, const LoadedImage& photograph);
  void run_engine(ImageAnalysis& analysis, Classifier& classifier, const EngineOptions& options);
  RunResult conclude();

  const RunKind& kind_;
  const ImageRunOptions& options_;
  Setup setup_;
  RunObserver& observer_;
  Shard shard_;
  ComputePlan plan_;
  ModelCard card_;
  ChosenTarget target_;
  DataSet data_;
  RunFolder folder_;
  RunLog log_;
  std::vector<std::size_t> todo_;
  bool finished_ = false;
  std::optional<Background> writer_;  ///< lives while the engine runs: every job is done before it returns
};

/// The analyses of single images: the way from the file to the explained class, and from the result to its
/// record. A subclass says what is done with an image, and what a record is where nothing was done.
class ImageAnalysis : public Analysis {
 public:
  /// Of run.todo(). The run outlives the analysis.
  explicit ImageAnalysis(ImageRun& run) : run_(run), loaded_(run.todo().size()) {}

  LoadedImage load(std::size_t index) final;
  Task<void> analyse(std::size_t index, ImageInFlight& image) final;
  void failed(std::size_t index, const std::exception& error) final;

 protected:
  /// Explains the class of facts.target and ends with write(); `facts` knows what is known so far.
  virtual Task<void> explain(std::size_t index, ImageFacts facts, ImageInFlight& image) = 0;
  /// The record of an image without a result: "skipped" or "error", with its reason.
  virtual Json blank_record(const ImageFacts& facts, std::string_view status,
                            std::string_view reason) const = 0;
  /// For a plan: what the model is shown of this image, at most.
  virtual ModelRows most_rows(std::size_t index) const = 0;
  /// For a plan: ends with write(), as explain() does, of made-up results on any photograph.
  virtual void invent(std::size_t index, ImageFacts facts, const LoadedImage& photograph) = 0;
  /// The image is one of those that get a drawing.
  virtual bool draws(std::size_t /*index*/) const { return false; }
  /// The options may leave images out (TargetOptions).
  virtual bool may_skip() const { return true; }

  /// The image's place in the data set is among the first `count`; -1 = all.
  bool among_first(std::size_t index, long count) const {
    return count < 0 || run_.todo()[index] < static_cast<std::size_t>(count);
  }
  /// Noise could turn the choice of the class that is explained.
  bool near_tie(const ImageInFlight& image) const;
  /// Has a record made and written behind the engine's back, in the order in which images are finished.
  /// `make_record` runs on the writer's thread, and may write files of the run too.
  void write(std::size_t index, ImageFacts facts, std::function<Json(const ImageFacts&)> make_record);
  /// Likewise a record without a result.
  void write_blank(std::size_t index, const ImageFacts& facts, std::string_view status, std::string reason);
  /// Has something else done there, before the records that come later.
  void write_behind(std::function<void()> job) { run_.writer_->post(std::move(job)); }

  ImageRun& run_;

 private:
  friend class ImageRun;

  void rehearse(std::size_t index, const LoadedImage& photograph);
  const ImageEntry& entry(std::size_t index) const { return run_.data().images[run_.todo()[index]]; }
  ImageFacts facts_of(std::size_t index) const;
  int target_of(const Prediction& intact, std::optional<int> label) const;

  /// What is known of an image once it is read.
  struct Loaded {
    Stopwatch since;
    std::string content;
  };
  std::vector<Loaded> loaded_;
};

}  // namespace xai
