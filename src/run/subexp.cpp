#include "xai/run/subexp.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "invented_results.hpp"
#include "xai/core/base64.hpp"
#include "xai/core/log.hpp"
#include "xai/model/preprocess.hpp"
#include "xai/picture/graph.hpp"
#include "xai/picture/picture.hpp"
#include "xai/record/kinds.hpp"
#include "xai/record/mse_record.hpp"
#include "xai/record/sub_explanation_record.hpp"
#include "xai/run/image_run.hpp"

namespace xai {
namespace {

SubExplanationOptions counting_of(const SubexpRunOptions& options) {
  SubExplanationOptions counting = options.counting;
  counting.grid = options.mse.grid;
  return counting;
}

std::vector<PatchSet> patches_of(const std::vector<Mse>& mses) {
  std::vector<PatchSet> sets;
  for (const Mse& mse : mses) sets.push_back(mse.patches);
  return sets;
}

/// Sets evaluated in counting from roots of these sizes, at most: all their subsets, or what the bound on
/// nodes and the probes leave of them.
long most_counted(const SubExplanationOptions& options, std::span<const int> sizes) {
  if (sizes.empty()) return 0;
  const long largest = *std::max_element(sizes.begin(), sizes.end());
  double subsets = 0;
  for (const int size : sizes) subsets += std::pow(2.0, size);
  const long bound = static_cast<long>(sizes.size()) + options.max_nodes * largest +
                     options.probes * largest * (largest + 1) / 2;
  return subsets < static_cast<double>(bound) ? static_cast<long>(subsets) : bound;
}

SubExplanations invented_counts(const MseResult& found) {
  SubExplanationCount count;
  count.all = {.distinct = 200, .tree_nodes = 123456};
  for (int size = 1; size <= 8; ++size) count.by_size[size] = {.distinct = 25, .tree_nodes = 12345};
  SubExplanations counts;
  counts.total = count;
  counts.per_root.assign(found.mses.size(), count);
  counts.evaluations = 1000;
  return counts;
}

class SubexpAnalysis : public ImageAnalysis {
 public:
  /// `earlier`: the run of 'mses', or null.
  SubexpAnalysis(const SubexpRunOptions& options, const FinishedRun* earlier, ImageRun& run)
      : ImageAnalysis(run), options_(options), counting_(counting_of(options)), earlier_(earlier) {}

 private:
  Task<void> explain(std::size_t index, ImageFacts facts, ImageInFlight& image) override {
    Scorer& scorer = image.scorer(*facts.target);
    MseResult found;
    if (earlier_) {
      found = known_mses(facts, scorer);
    } else {
      found = co_await find_mses(scorer, options_.mse);
      found.near_ties += near_tie(image);
    }
    std::optional<CountedImage> counted;
    if (found.status == MseStatus::ok) {
      counted = co_await count(scorer, patches_of(found.mses), facts.image);
      if (draws(index) && counted->counts.total.all.distinct > 0) counted->graph = graph_path(facts.image);
    }
    write(
        index, facts,
        [this, found, counted = std::move(counted), photograph = image.loaded().image](const ImageFacts& f) {
          if (counted && !counted->graph.empty()) draw(f, found, *counted, photograph);
          return sub_explanation_record(mse_record(f, options_.mse, found), counting_, counted);
        });
  }

  ModelRows most_rows(std::size_t index) const override {
    if (!earlier_) return xai::most_rows(options_);
    std::vector<int> sizes;
    for (const Mse& mse : read_mse_record(earlier_->record(image_of(index))).mses)
      sizes.push_back(mse.patches.size());
    return {1 + most_counted(counting_, sizes)};  // 1: the intact image
  }

  void invent(std::size_t index, ImageFacts facts, const LoadedImage& photograph) override {
    const MseResult found = invented_mses(options_.mse);
    CountedImage counted{.counts = invented_counts(found), .estimate = {}, .graph = {}};
    if (counting_.probes > 0)
      counted.estimate = TreeEstimate{.tree_nodes = 1.0 / 3, .standard_error = 1.0 / 7};
    if (draws(index)) {
      counted.graph = graph_path(facts.image);
      const std::string node =
          encode_png(set_picture(to_image(photograph.image), found.mses[0].patches, options_.mse.grid,
                                 options_.perturbation.mask, {192, 192}));
      write_behind([this, node, name = counted.graph] {
        for (int i = 0; i < options_.graph_max_nodes; ++i)
          run_.folder().write_file(name, node + base64(node));
      });
    }
    write(index, std::move(facts), [this, found, counted = std::move(counted)](const ImageFacts& f) {
      return sub_explanation_record(mse_record(f, options_.mse, found), counting_, counted);
    });
  }

  Task<CountedImage> count(Scorer& scorer, std::vector<PatchSet> roots, std::string image) {
    CountedImage counted;
    counted.counts = co_await count_sub_explanations(scorer, roots, counting_);
    if (counting_.probes > 0) {
      Random random(options_.output.seed, image, "probe");
      counted.estimate = co_await estimate_tree_nodes(scorer, roots, counting_, random);
    }
    co_return counted;
  }

  /// The earlier run's MSEs, which the scorer is told of.
  MseResult known_mses(const ImageFacts& facts, Scorer& scorer) const {
    const Json record = earlier_->record(facts.image);
    MseResult found = read_mse_record(record);
    require<DataError>(record.at("content") == facts.content, "this photograph is not the one that 'mses' ",
                       options_.mses.string(), " is of (its SHA-256 is another): search anew without 'mses'");
    require<DataError>(record["target"] == *facts.target && std::abs(found.p_full - *facts.p_full) < 1e-3,
                       "the model sees this image otherwise than in ", options_.mses.string(), " (class ",
                       to_text(record["target"]), ", probability ", found.p_full, " there; ", *facts.target,
                       ", ", *facts.p_full, " here): search anew without 'mses'");
    scorer.remember(PatchSet(), found.p_baseline);
    for (const Mse& mse : found.mses) scorer.remember(mse.patches, mse.p);
    return found;
  }

  Json blank_record(const ImageFacts& facts, std::string_view status,
                    std::string_view reason) const override {
    return sub_explanation_record(blank_mse_record(facts, options_.mse, status, reason), counting_, {});
  }

  bool may_skip() const override { return earlier_ == nullptr; }  // what was skipped there is no more to do

  bool draws(std::size_t index) const override {
    const auto& named = options_.graph_images;
    return among_first(index, options_.graphs) ||
           std::find(named.begin(), named.end(), image_of(index)) != named.end();
  }

  const std::string& image_of(std::size_t index) const { return run_.data().images[run_.todo()[index]].id; }

  void draw(const ImageFacts& facts, const MseResult& found, const CountedImage& counted,
            const at::Tensor& photograph) {
    std::vector<PatchSet> roots;
    for (const int i : shown_mses(found, static_cast<int>(found.mses.size())))
      if (counted.counts.per_root[i].all.distinct > 0) roots.push_back(found.mses[i].patches);
    const auto graph = strongest_graph(counted.counts.sets, roots, options_.graph_max_nodes);
    const bool drawn = write_graph(run_.folder(), graph,
                                   {.photograph = to_image(photograph),
                                    .image = facts.image,
                                    .class_name = run_.card().class_name(*facts.target),
                                    .p_full = found.p_full,
                                    .grid = options_.mse.grid,
                                    .mask = options_.perturbation.mask,
                                    .node_threshold = counting_.node_threshold,
                                    .distinct = counted.counts.total.all.distinct});
    if (drawn || told_of_graphviz_) return;
    told_of_graphviz_ = true;
    log::info("graphs are written as DOT only: Graphviz's dot, which draws them, is not installed or failed");
  }

  const SubexpRunOptions& options_;
  const SubExplanationOptions counting_;
  const FinishedRun* earlier_;
  bool told_of_graphviz_ = false;  // the writer's
};

/// Throws UsageError unless MSEs that this run would find are those of the earlier run.
void check_likeness(const FinishedRun& earlier, const ImageRun& run, const SubexpRunOptions& options) {
  const auto of = [](const Json& model, const Json& data, const Json& search) {
    return Json{{"model", model}, {"data", data}, {"options", search}};
  };
  Json there = earlier.run().at("identity");
  const Json estimating = values_of(EstimateOptions()).identity;  // changes no MSE
  for (const auto& [key, value] : estimating.items()) there["options"].erase(key);
  const auto difference =
      first_difference(of(there.at("model"), there.at("data"), there.at("options")),
                       of(run.card().sha256, data_identity(run.data()),
                          values_of(static_cast<const SearchRunOptions&>(options)).identity),
                       "");
  require(!difference, "'mses' ", earlier.folder().string(),
          " is of another model, other data or other options: ", difference.value_or(""),
          "; leave out what differs, or 'mses' to search anew");
}

void check_graph_images(const SubexpRunOptions& options, const DataSet& data) {
  for (const std::string& name : options.graph_images)
    require(std::any_of(data.images.begin(), data.images.end(),
                        [&](const ImageEntry& image) { return image.id == name; }),
            "'graph_image' ", name, " is not in ", options.input.data.data.string(),
            "; name an image as results.jsonl does");
}

/// The record of an image that the earlier run did not search; null for the others.
Json settled_record(const FinishedRun& earlier, const std::string& image, const SubexpRunOptions& options) {
  Json record = earlier.record(image);
  require(!record.is_null(), earlier.folder().string(), " has no record of ", image, "; run xai-mse again");
  if (record.at("status") == "ok") return Json();
  record["picture"] = nullptr;  // it is in the other folder
  return sub_explanation_record(record, counting_of(options), {});
}

}  // namespace

ModelRows most_rows(const SubexpRunOptions& options) {
  const int patches = options.mse.grid * options.mse.grid;
  const long searched = most_rows(static_cast<const SearchRunOptions&>(options)).forward;
  const long both = saturating_sum(searched, most_counted(counting_of(options), std::array{patches}));
  return {patches < 62 ? std::min(both, 1L << patches) : both};
}

void describe(OptionTable& table, SubexpRunOptions& options) {
  describe_subject(table, options);
  describe(table, options.mse);
  describe(table, options.counting);
  table
      .add("mses", options.mses,
           "Count from the MSEs of this finished run of xai-mse, with its options; without it they are "
           "searched")
      .with_effect(Effect::none);  // its records are compared, and not its place
  table.group("Graphs");
  table.add("graphs", options.graphs, "Draw the graphs of the first N images of the whole list; 0 = none")
      .at_least(-1)
      .with_word("all", -1)
      .with_effect(Effect::none);
  table.add("graph_image", options.graph_images, "Draw the graphs of these images").with_effect(Effect::none);
  table.add("graph_max_nodes", options.graph_max_nodes, "Nodes of a graph at most: the strongest")
      .from_to(1, 500)
      .with_effect(Effect::none);
  describe_means(table, options);
}

void adopt(OptionTable& table, const FinishedRun& mses) {
  table.fill(mses.run().at("identity").at("options"));
  InputOptions unused;
  OptionTable input;
  describe(input, unused);
  Json places = Json::object();
  for (const Option& option : input.options())
    if (mses.run().at("options").contains(option.key))
      places[option.key] = mses.run().at("options")[option.key];
  table.fill(places);
}

void SubexpRunOptions::validate() const {
  validate_described(*this);
  SearchRunOptions::validate();
  counting_of(*this).validate();
}

RunResult run_subexp(const SubexpRunOptions& options, RunObserver& observer, const OpenModel& open) {
  options.validate();
  std::optional<FinishedRun> earlier;
  if (!options.mses.empty()) earlier.emplace(options.mses, mse_kind());
  const auto counted_from = [&](const ModelCard&) {
    return Json{{"mses", earlier ? Json(earlier->records_sha256()) : Json()}};
  };
  ImageRun run(subexp_kind(), options,
               {.options = values_of(options), .further_identity = counted_from, .open = open}, observer);
  check_graph_images(options, run.data());
  if (earlier) {
    check_likeness(*earlier, run, options);
    run.settle([&](const std::string& image) { return settled_record(*earlier, image, options); });
  }
  SubexpAnalysis analysis(options, earlier ? &*earlier : nullptr, run);
  return run.analyse(analysis, {.grid = options.mse.grid, .mask = options.perturbation.mask});
}

}  // namespace xai
