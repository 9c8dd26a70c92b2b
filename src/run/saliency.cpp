#include "xai/run/saliency.hpp"

#include <ATen/ATen.h>

#include "xai/model/preprocess.hpp"
#include "xai/picture/picture.hpp"
#include "xai/picture/saliency_picture.hpp"
#include "xai/record/kinds.hpp"
#include "xai/record/saliency_record.hpp"
#include "xai/run/image_run.hpp"
#include "xai/saliency/gradcam.hpp"
#include "xai/saliency/scores.hpp"
#include "xai/store/npy.hpp"

namespace xai {
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

class SaliencyAnalysis : public ImageAnalysis {
 public:
  SaliencyAnalysis(const SaliencyRunOptions& options, ImageRun& run)
      : ImageAnalysis(run),
        options_(options),
        setting_{std::string(name(options.maps.method)), options.maps.size, options.curve.metric},
        composer_(run.card().height, run.card().width, options.maps.size, options.perturbation.mask,
                  at::kDouble) {}

 private:
  Task<void> explain(std::size_t index, ImageFacts facts, ImageInFlight& image) override {
    if (*facts.p_full == 0) {
      write_blank(index, facts, "skipped", "zero-probability");
      co_return;
    }
    SaliencyFacts made;
    made.near_ties = near_tie(image);
    MaskScorer& scorer = image.masks(*facts.target);
    std::vector<at::Tensor> maps;
    for (int repeat = 0; repeat < options_.repeats; ++repeat)
      maps.push_back(co_await make_map(scorer, image.loaded().image, facts.image, repeat, made));
    const at::Tensor map = maps.front();
    MapScores scores = co_await score_map(scorer, map, *facts.p_full, options_.curve);
    facts.p_baseline = scores.p_baseline;
    made.insertion = std::move(scores.insertion);
    made.deletion = std::move(scores.deletion);
    made.forward = 1 + scorer.forward();  // 1: the intact image
    made.backward = scorer.backward();
    write_maps(index, std::move(facts), std::move(made), std::move(maps), image.loaded().image);
  }

  /// `maps`: the one that was scored, and its repeats.
  void write_maps(std::size_t index, ImageFacts facts, SaliencyFacts made, std::vector<at::Tensor> maps,
                  at::Tensor photograph) {
    made.map = saliency_map_path(run_.card().name, facts.image, setting_.method);
    for (int repeat = 1; repeat < options_.repeats; ++repeat)
      made.repeats.push_back(saliency_map_path(run_.card().name, facts.image, setting_.method, repeat));
    if (draws(index)) facts.picture = picture_path(facts.image);
    write(index, std::move(facts),
          [this, made = std::move(made), maps = std::move(maps), photograph](const ImageFacts& f) mutable {
            std::vector<std::vector<float>> cells;
            for (const at::Tensor& map : maps)
              cells.emplace_back(map.data_ptr<float>(), map.data_ptr<float>() + map.numel());
            if (cells.size() > 1) made.likeness = likeness_of(cells);
            keep(f, made, cells, photograph);
            return saliency_record(f, setting_, made);
          });
  }

  ModelRows most_rows(std::size_t) const override { return xai::most_rows(options_); }
  bool draws(std::size_t index) const override { return among_first(index, options_.pictures); }
  void invent(std::size_t index, ImageFacts facts, const LoadedImage& photograph) override {
    const int size = options_.maps.size;
    std::vector<at::Tensor> maps;
    for (int repeat = 0; repeat < options_.repeats; ++repeat) maps.push_back(at::rand({size, size}));
    SaliencyFacts made;
    if (options_.maps.optimises()) {
      IgosResult result;
      result.iterations.assign(static_cast<std::size_t>(options_.maps.resolved_igos().iterations),
                               {1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3});
      note(result, made);
    }
    Curve curve;
    for (std::size_t i = 0; i < curve_counts(options_.curve, size * size).size(); ++i)
      curve.values.push_back(1 / (static_cast<double>(i) + 3));
    made.insertion = made.deletion = curve;
    write_maps(index, std::move(facts), std::move(made), std::move(maps), photograph.image);
  }

  /// The map, s x s float32; notes in `made` how the first one was made.
  Task<at::Tensor> make_map(MaskScorer& scorer, at::Tensor photograph, std::string image, int repeat,
                            SaliencyFacts& made) {
    Random random = repeat == 0
                        ? Random(options_.output.seed, image, setting_.method)
                        : Random(options_.output.seed, image, setting_.method, cat("repeat ", repeat));
    at::Tensor map;
    if (options_.maps.method == SaliencyMethod::rise) {
      map = co_await rise(scorer, options_.maps.resolved_rise(), std::move(random));
    } else if (options_.maps.method == SaliencyMethod::gradcam) {
      map = co_await gradcam(scorer, options_.maps.size);
    } else {
      const at::Tensor normalised = normalise(photograph, run_.card().mean, run_.card().std);
      const IgosResult result =
          co_await igos(scorer, normalised, composer_, options_.maps.resolved_igos(), std::move(random));
      if (repeat == 0) note(result, made);
      map = result.map;
    }
    co_return map;
  }

  /// Writes maps and picture.
  void keep(const ImageFacts& facts, const SaliencyFacts& made, std::span<const std::vector<float>> maps,
            const at::Tensor& photograph) const {
    const std::vector<std::int64_t> shape(2, setting_.size);
    for (std::size_t repeat = 0; repeat < maps.size(); ++repeat)
      run_.folder().write_file(repeat == 0 ? made.map : made.repeats[repeat - 1],
                               encode_npy(std::span<const float>(maps[repeat]), shape));
    if (facts.picture.empty()) return;
    const cv::Mat picture = saliency_picture(to_image(photograph), facts,
                                             run_.card().class_name(*facts.target), maps[0], setting_, made);
    run_.folder().write_file(facts.picture, encode_png(picture));
  }

  Json blank_record(const ImageFacts& facts, std::string_view status,
                    std::string_view reason) const override {
    return blank_saliency_record(facts, setting_, status, reason);
  }

  const SaliencyRunOptions& options_;
  const SaliencySetting setting_;
  const MaskComposer composer_;  // of cells of double on the CPU, for the bilateral penalty
};

/// Of the model's parts, for Grad-CAM: another cut is another run.
Json identity_of_parts(const ModelCard& card) {
  if (!card.gradcam) return Json::object();
  const GradCamFiles& parts = *card.gradcam;
  return {{"gradcam", {{"features_sha256", parts.features_sha256}, {"head_sha256", parts.head_sha256}}}};
}

}  // namespace

ModelRows most_rows(const SaliencyRunOptions& options) {
  const MapOptions& maps = options.maps;
  ModelRows rows;
  if (maps.method == SaliencyMethod::rise) {
    rows.forward = maps.resolved_rise().masks;
  } else if (maps.method == SaliencyMethod::gradcam) {
    rows = {1, 1};
  } else {
    const IgosOptions igos = maps.resolved_igos();
    const long terms = igos.method == IgosMethod::igos ? 1 : igos.method == IgosMethod::igos_plus ? 2 : 4;
    long losses =
        0;  // of a line search: at its start, and at every step down to the first one below the smallest
    if (igos.optimiser == Optimiser::line_search) {
      losses = 2;
      for (double step = igos.alpha; step >= igos.min_step; step *= igos.decay) ++losses;
    }
    rows.backward = long{igos.iterations} * igos.points * terms;
    rows.forward = rows.backward * (1 + losses);
  }
  rows.forward *= options.repeats;
  rows.backward *= options.repeats;
  const auto between = static_cast<long>(curve_counts(options.curve, maps.size * maps.size).size()) - 2;
  rows.forward += 2 + 2 * between;  // both curves run between the intact image and the baseline
  return rows;
}

RunResult run_saliency(const SaliencyRunOptions& options, RunObserver& observer, const OpenModel& open) {
  options.validate();
  const bool gradcam = options.maps.method == SaliencyMethod::gradcam;
  require(!gradcam || options.repeats == 1, "'repeats' ", options.repeats,
          ": Grad-CAM draws nothing at random; its map is always the same");
  ImageRun run(saliency_kind(), options,
               {.options = values_of(options),
                .further_identity = gradcam ? identity_of_parts : nullptr,
                .gradients = options.maps.optimises(),
                .features = gradcam,
                .open = open},
               observer);
  options.maps.check(run.card());
  SaliencyAnalysis analysis(options, run);
  return run.analyse(analysis, {.grid = options.maps.size, .mask = options.perturbation.mask});
}

}  // namespace xai
