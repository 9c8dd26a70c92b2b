#include "saliency_analysis.hpp"

#include <ATen/ATen.h>

#include "xai/model/preprocess.hpp"
#include "xai/picture/picture.hpp"
#include "xai/picture/saliency_picture.hpp"
#include "xai/saliency/gradcam.hpp"
#include "xai/saliency/scores.hpp"
#include "xai/store/npy.hpp"

namespace xai::tools {
namespace {

void note(const IgosResult& result, SaliencyFacts& facts) {
  facts.iterations = static_cast<int>(result.iterations.size());
  facts.stop_reason = result.stop_reason;
  facts.near_ties += result.near_ties;
  const auto add = [&](const char* name, double IgosIteration::*part) {
    std::vector<double> values;
    for (const IgosIteration& iteration : result.iterations) values.push_back(iteration.*part);
    facts.objective.emplace_back(name, std::move(values));
  };
  add("deletion", &IgosIteration::deletion);
  add("insertion", &IgosIteration::insertion);
  add("l1", &IgosIteration::hidden);
  add("tv", &IgosIteration::variation);
  add("step", &IgosIteration::step);
}

}  // namespace

SaliencyAnalysis::SaliencyAnalysis(const SaliencyToolOptions& options, ImageRun& run, Background& writer)
    : ImageAnalysis(run, options.input, options.target, options.perturbation.baseline, writer),
      options_(options),
      setting_{std::string(name(options.method)), options.igos.size, options.curve.metric},
      composer_(run.card().height, run.card().width, options.igos.size, options.perturbation.mask,
                at::kDouble) {
  if (options.method == SaliencyMethod::gradcam)
    split_.emplace(run.card(), parse_device(options.compute.device));
}

Task<void> SaliencyAnalysis::analyse(std::size_t index, ImageSession& session) {
  ImageFacts image = facts_of(index, session.prediction());
  if (skip(index, image)) co_return;
  if (*image.p_full == 0) {
    write(index, image, [this](const ImageFacts& f) { return skipped_record(f, "zero-probability"); });
    co_return;
  }

  SaliencyFacts facts;
  facts.near_ties = session.prediction().near_tie;
  const at::Tensor map = co_await make_map(session, image, facts);
  MaskScorer& scorer = session.masks(*image.target);
  MapScores scores = co_await score_map(scorer, map, options_.curve);
  facts.p_baseline = scores.p_baseline;
  facts.insertion = std::move(scores.insertion);
  facts.deletion = std::move(scores.deletion);
  facts.forward += 1 + scorer.forward();  // 1: the intact image
  facts.backward += scorer.backward();
  facts.map = saliency_map_path(run_.card().name, image.image, setting_.method);
  if (among_first(index, options_.pictures)) image.picture = picture_path(image.image);

  write(index, image, [this, facts, map, photograph = session.loaded().image](const ImageFacts& f) {
    const std::span<const float> values(map.data_ptr<float>(), static_cast<std::size_t>(map.numel()));
    run_.folder().write_file(facts.map, encode_npy(values, map.sizes().vec()));
    if (!f.picture.empty())
      run_.folder().write_file(
          f.picture, encode_png(saliency_picture(to_image(photograph), f, run_.card().class_name(*f.target),
                                                 values, setting_, facts)));
    return saliency_record(f, setting_, facts);
  });
}

Task<at::Tensor> SaliencyAnalysis::make_map(ImageSession& session, const ImageFacts& image,
                                            SaliencyFacts& facts) {
  MaskScorer& scorer = session.masks(*image.target);
  Random random(options_.output.seed, image.image, setting_.method);
  if (options_.method == SaliencyMethod::rise) {
    at::Tensor map = co_await rise(scorer, options_.rise, std::move(random));
    co_return map;
  }
  const ModelCard& card = run_.card();
  const at::Tensor normalised = normalise(session.loaded().image, card.mean, card.std);
  if (split_) {
    facts.forward = facts.backward = 1;
    co_return gradcam(*split_, normalised, *image.target, options_.igos.size);
  }
  IgosResult result = co_await igos(scorer, normalised, composer_, options_.igos, std::move(random));
  note(result, facts);
  co_return result.map;
}

Json SaliencyAnalysis::skipped_record(const ImageFacts& facts, const char* reason) const {
  return skipped_saliency_record(facts, setting_, reason);
}

Json SaliencyAnalysis::failed_record(const ImageFacts& facts, const std::string& message) const {
  return failed_saliency_record(facts, setting_, message);
}

}  // namespace xai::tools
