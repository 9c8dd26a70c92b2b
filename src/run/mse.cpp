#include "xai/run/mse.hpp"

#include <algorithm>
#include <climits>
#include <optional>
#include <unordered_map>

#include "invented_results.hpp"
#include "xai/model/preprocess.hpp"
#include "xai/picture/picture.hpp"
#include "xai/record/kinds.hpp"
#include "xai/record/mse_record.hpp"
#include "xai/run/image_run.hpp"
#include "xai/store/file_name.hpp"
#include "xai/store/npy.hpp"

namespace xai {
namespace {

/// About what an estimate asks for at most: a descent looks at two patches in three of each set on its way.
long most_estimated(const MseRunOptions& options) {
  if (!options.estimate.wanted()) return 0;
  if (options.estimate.evaluations > 0) return options.estimate.evaluations;
  const long patches = static_cast<long>(options.mse.grid) * options.mse.grid;
  return options.estimate.units * (patches <= options.estimate.listed ? patches : patches * patches / 3);
}

class MseAnalysis : public ImageAnalysis {
 public:
  MseAnalysis(const MseRunOptions& options, ImageRun& run) : ImageAnalysis(run), options_(options) {}

 private:
  Task<void> explain(std::size_t index, ImageFacts facts, ImageInFlight& image) override {
    Scorer& scorer = image.scorer(*facts.target);
    MseResult result = co_await find_mses(scorer, options_.mse);
    result.near_ties += near_tie(image);
    std::optional<EstimateResult> estimate;
    if (options_.estimate.wanted() && result.status == MseStatus::ok) {
      const EstimateOptions options = estimate_options();
      const Random random(options_.output.seed, facts.image, "estimate");
      estimate = co_await estimate_mses(scorer, options, random);
      result.near_ties += estimate->near_ties;
    }
    if (options_.save_scores) {
      std::unordered_map<PatchSet, double> scores;
      for (const auto& [set, score] : scorer.all_known()) scores.emplace(set, score.p);
      save(facts.image, std::move(scores));
    }
    keep(index, std::move(facts), std::move(result), std::move(estimate), image.loaded().image);
  }

  void save(const std::string& image, std::unordered_map<PatchSet, double> scores) {
    write_behind([this, file = "scores/" + file_name_of(image, ".npy"), scores = std::move(scores)] {
      run_.folder().write_file(file, encode_scores(scores));
    });
  }

  EstimateOptions estimate_options() const {
    EstimateOptions options = options_.estimate;
    options.grid = options_.mse.grid;
    options.sufficient = options_.mse.sufficient;
    options.threshold = options_.mse.threshold;
    return options;
  }

  void keep(std::size_t index, ImageFacts facts, MseResult result, std::optional<EstimateResult> estimate,
            at::Tensor photograph) {
    if (draws(index)) facts.picture = picture_path(facts.image);
    write(index, std::move(facts),
          [this, result = std::move(result), estimate = std::move(estimate),
           photograph = std::move(photograph)](const ImageFacts& f) {
            if (!f.picture.empty()) draw(f, result, photograph);
            return with_estimate(mse_record(f, options_.mse, result), estimate);
          });
  }

  ModelRows most_rows(std::size_t) const override {
    ModelRows rows = xai::most_rows(options_);
    rows.forward += most_estimated(options_);
    return rows;
  }
  bool draws(std::size_t index) const override { return among_first(index, options_.pictures); }
  void invent(std::size_t index, ImageFacts facts, const LoadedImage& photograph) override {
    if (options_.save_scores) save(facts.image, invented_scores(xai::most_rows(options_).forward));
    std::optional<EstimateResult> estimate;
    if (options_.estimate.wanted()) estimate = invented_estimate(options_.mse);
    keep(index, std::move(facts), invented_mses(options_.mse), std::move(estimate), photograph.image);
  }

  Json blank_record(const ImageFacts& facts, std::string_view status,
                    std::string_view reason) const override {
    return with_estimate(blank_mse_record(facts, options_.mse, status, reason), std::nullopt);
  }

  /// A run that estimates has the field in every record.
  Json with_estimate(Json record, const std::optional<EstimateResult>& estimate) const {
    if (options_.estimate.wanted()) record["estimate"] = estimate_json(estimate, options_.output.seed);
    return record;
  }

  void draw(const ImageFacts& facts, const MseResult& result, const at::Tensor& photograph) const {
    const cv::Mat picture =
        mse_picture(to_image(photograph), facts.image, run_.card().class_name(*facts.target), result,
                    options_.mse, options_.perturbation.mask);
    run_.folder().write_file(facts.picture, encode_png(picture));
  }

  const MseRunOptions& options_;
};

}  // namespace

ModelRows most_rows(const SearchRunOptions& options) {
  const int patches = options.mse.grid * options.mse.grid;
  const long budget = options.mse.search == SearchKind::beam ? options.mse.max_evaluations : LONG_MAX;
  return {patches < 62 ? std::min(budget, 1L << patches) : budget};
}

void describe(OptionTable& table, SearchRunOptions& options) {
  describe_subject(table, options);
  describe(table, options.mse);
  describe_means(table, options);
}

void SearchRunOptions::validate() const {
  validate_described(*this);
  require_paths(*this);
  mse.validate();
  require(target.target != "second" || mse.sufficient == Sufficient::ratio, "'sufficient' ",
          name(mse.sufficient), " asks for the class of largest probability, which 'target' second never is");
}

void describe(OptionTable& table, MseRunOptions& options) {
  describe(table, static_cast<SearchRunOptions&>(options));
  table
      .add("pictures", options.pictures,
           "Draw the explanations of the first N images of the whole list; 0 = none")
      .at_least(-1)
      .with_word("all", -1)
      .with_effect(Effect::none);
  table
      .add("save_scores", options.save_scores,
           "Also write every evaluated set and its probability: scores/<image>.npy")
      .with_effect(Effect::none);
  describe(table, options.estimate);
}

void MseRunOptions::validate() const {
  validate_described(*this);
  SearchRunOptions::validate();
}

RunResult run_mse(const MseRunOptions& options, RunObserver& observer, const OpenModel& open) {
  options.validate();
  ImageRun run(mse_kind(), options, {.options = values_of(options), .open = open}, observer);
  MseAnalysis analysis(options, run);
  return run.analyse(analysis, {.grid = options.mse.grid, .mask = options.perturbation.mask});
}

}  // namespace xai
