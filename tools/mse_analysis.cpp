#include "mse_analysis.hpp"

#include "xai/core/error.hpp"
#include "xai/model/preprocess.hpp"
#include "xai/picture/picture.hpp"
#include "xai/record/mse_record.hpp"
#include "xai/store/npy.hpp"

namespace xai::tools {

MseAnalysis::MseAnalysis(const MseToolOptions& options, ImageRun& run, Background& writer)
    : ImageAnalysis(run, options.input, options.target, options.perturbation.baseline, writer),
      options_(options) {}

Task<void> MseAnalysis::analyse(std::size_t index, ImageSession& session) {
  ImageFacts facts = facts_of(index, session.prediction());
  if (skip(index, facts)) co_return;
  Scorer& scorer = session.scorer(*facts.target);
  MseResult result = co_await find_mses(scorer, options_.mse);
  result.near_ties += session.prediction().near_tie;
  if (among_first(index, options_.pictures)) facts.picture = picture_path(facts.image);
  if (options_.save_scores)
    writer_.post([this, file = cat("scores/", facts.image, ".npy"), scores = scorer.all_known()] {
      run_.folder().write_file(file, encode_scores(scores));
    });
  write(index, facts, [this, result, image = session.loaded().image](const ImageFacts& f) {
    if (!f.picture.empty())
      run_.folder().write_file(
          f.picture, encode_png(mse_picture(to_image(image), f.image, run_.card().class_name(*f.target),
                                            result, options_.mse, options_.perturbation.mask)));
    return mse_record(f, options_.mse, result);
  });
}

Json MseAnalysis::skipped_record(const ImageFacts& facts, const char* reason) const {
  return skipped_mse_record(facts, options_.mse, reason);
}

Json MseAnalysis::failed_record(const ImageFacts& facts, const std::string& message) const {
  return failed_mse_record(facts, options_.mse, message);
}

}  // namespace xai::tools
