#include "subexp_analysis.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "xai/core/error.hpp"
#include "xai/core/log.hpp"
#include "xai/model/preprocess.hpp"
#include "xai/picture/graph.hpp"
#include "xai/picture/picture.hpp"
#include "xai/record/mse_record.hpp"

namespace xai::tools {
namespace {

std::vector<PatchSet> patches_of(const std::vector<Mse>& mses) {
  std::vector<PatchSet> sets;
  for (const Mse& mse : mses) sets.push_back(mse.patches);
  return sets;
}

}  // namespace

SubexpAnalysis::SubexpAnalysis(const SubexpToolOptions& options, const FinishedRun* earlier, ImageRun& run,
                               Background& writer)
    : ImageAnalysis(run, options.input, options.target, options.perturbation.baseline, writer),
      options_(options),
      earlier_(earlier) {}

Task<void> SubexpAnalysis::analyse(std::size_t index, ImageSession& session) {
  const ImageFacts facts = facts_of(index, session.prediction());
  if (!earlier_ && skip(index, facts)) co_return;
  Scorer& scorer = session.scorer(*facts.target);
  MseResult found;
  if (earlier_) {
    found = known_mses(facts, scorer);
  } else {
    found = co_await find_mses(scorer, options_.mse);
    found.near_ties += session.prediction().near_tie;
  }

  std::optional<CountedImage> counted;
  if (found.status == MseStatus::ok) {
    const auto roots = patches_of(found.mses);
    const auto counting = options_.sub_explanations();
    counted.emplace();
    counted->counts = co_await count_sub_explanations(scorer, roots, counting);
    if (counting.probes > 0) {
      Random random(options_.output.seed, facts.image, "probe");
      counted->estimate = co_await estimate_tree_nodes(scorer, roots, counting, random);
    }
    if (wants_graph(index, facts.image) && counted->counts.total.all.distinct > 0)
      counted->graph = graph_path(facts.image);
  }
  write(index, facts,
        [this, found, counted = std::move(counted), image = session.loaded().image](const ImageFacts& f) {
          if (counted && !counted->graph.empty()) draw(f, found, *counted, image);
          return sub_explanation_record(mse_record(f, options_.mse, found), options_.sub_explanations(),
                                        counted);
        });
}

MseResult SubexpAnalysis::known_mses(const ImageFacts& facts, Scorer& scorer) const {
  const Json record = earlier_->record(facts.image);
  MseResult found = read_mse_record(record);
  require<DataError>(record["target"] == *facts.target && std::abs(found.p_full - *facts.p_full) < 1e-3,
                     "the model sees this image otherwise than in ", options_.mses.string(), " (class ",
                     to_text(record["target"]), ", probability ", found.p_full, " there; ", *facts.target,
                     ", ", *facts.p_full, " here): if the file has changed, search anew without --mses");
  scorer.remember(PatchSet(), found.p_baseline);
  for (const Mse& mse : found.mses) scorer.remember(mse.patches, mse.p);
  return found;
}

Json SubexpAnalysis::skipped_record(const ImageFacts& facts, const char* reason) const {
  return sub_explanation_record(skipped_mse_record(facts, options_.mse, reason), options_.sub_explanations(),
                                {});
}

Json SubexpAnalysis::failed_record(const ImageFacts& facts, const std::string& message) const {
  return sub_explanation_record(failed_mse_record(facts, options_.mse, message), options_.sub_explanations(),
                                {});
}

bool SubexpAnalysis::wants_graph(std::size_t index, const std::string& image) const {
  const auto& named = options_.graph_images;
  return among_first(index, options_.graphs) || std::find(named.begin(), named.end(), image) != named.end();
}

void SubexpAnalysis::draw(const ImageFacts& facts, const MseResult& found, const CountedImage& counted,
                          const at::Tensor& image) {
  std::vector<PatchSet> roots;
  for (const int i : shown_mses(found, static_cast<int>(found.mses.size())))
    if (counted.counts.per_root[i].all.distinct > 0) roots.push_back(found.mses[i].patches);
  const auto graph = strongest_graph(counted.counts.sets, roots, options_.graph_max_nodes);
  const bool drawn = write_graph(run_.folder(), graph,
                                 {.photograph = to_image(image),
                                  .image = facts.image,
                                  .class_name = run_.card().class_name(*facts.target),
                                  .p_full = found.p_full,
                                  .grid = options_.mse.grid,
                                  .mask = options_.perturbation.mask,
                                  .node_threshold = options_.counting.node_threshold,
                                  .distinct = counted.counts.total.all.distinct});
  if (drawn || told_of_graphviz_) return;
  told_of_graphviz_ = true;
  log::info("graphs are written as DOT only: Graphviz's dot, which draws them, is not installed or failed");
}

}  // namespace xai::tools
