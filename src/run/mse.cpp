#include "xai/run/mse.hpp"

#include "xai/model/preprocess.hpp"
#include "xai/picture/picture.hpp"
#include "xai/record/kinds.hpp"
#include "xai/record/mse_record.hpp"
#include "xai/run/image_run.hpp"
#include "xai/store/file_name.hpp"
#include "xai/store/npy.hpp"

namespace xai {
namespace {

class MseAnalysis : public ImageAnalysis {
 public:
  MseAnalysis(const MseRunOptions& options, ImageRun& run) : ImageAnalysis(run), options_(options) {}

 private:
  Task<void> explain(std::size_t index, ImageFacts facts, ImageInFlight& image) override {
    Scorer& scorer = image.scorer(*facts.target);
    MseResult result = co_await find_mses(scorer, options_.mse);
    result.near_ties += near_tie(image);
    if (among_first(index, options_.pictures)) facts.picture = picture_path(facts.image);
    if (options_.save_scores)
      write_behind([this, file = "scores/" + file_name_of(facts.image, ".npy"), scores = scorer.all_known()] {
        run_.folder().write_file(file, encode_scores(scores));
      });
    write(index, facts, [this, result, photograph = image.loaded().image](const ImageFacts& f) {
      if (!f.picture.empty()) draw(f, result, photograph);
      return mse_record(f, options_.mse, result);
    });
  }

  Json blank_record(const ImageFacts& facts, std::string_view status,
                    std::string_view reason) const override {
    return blank_mse_record(facts, options_.mse, status, reason);
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

void describe(OptionTable& table, SearchRunOptions& options) {
  describe_subject(table, options);
  describe(table, options.mse);
  describe_means(table, options);
}

void SearchRunOptions::validate() const {
  validate_described(*this);
  require_paths(*this);
  mse.validate();
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
