#include "xai/record/kinds.hpp"

#include <algorithm>
#include <utility>

#include "xai/core/error.hpp"
#include "xai/record/cross_summary.hpp"
#include "xai/record/shown_summary.hpp"
#include "xai/record/sub_explanation_summary.hpp"
#include "xai/record/summary.hpp"

namespace xai {
namespace {

/// RunKind::summary of a function that reads run.json.
template <auto make>
std::unique_ptr<Summary> summary_by(const Json& run) try {
  return make(run);
} catch (const Json::exception& error) {
  throw DataError(cat("run.json does not describe its run: ", error.what(), "; run it again"));
}

std::uint64_t seed_of(const Json& run) {
  return run.at("seed");
}

template <class Enum>
Enum choice_of(const Json& run, const char* key) {
  const std::string text = run.at("options").at(key);
  const std::optional<Enum> value = named<Enum>(text);
  require<DataError>(value.has_value(), "run.json has '", key, "' ", text, ", not one of ",
                     all_names<Enum>());
  return *value;
}

std::unique_ptr<Summary> mse_summary(const Json& run) {
  return std::make_unique<MseSummary>(seed_of(run));
}

std::unique_ptr<Summary> subexp_summary(const Json& run) {
  return std::make_unique<SubExplanationSummary>(seed_of(run));
}

std::unique_ptr<Summary> saliency_summary(const Json& run) {
  const Json& options = run.at("options");
  const SaliencySetting setting{
      .method = options.at("method"), .size = options.at("size"), .metric = choice_of<Metric>(run, "metric")};
  return std::make_unique<SaliencySummary>(setting, seed_of(run));
}

std::unique_ptr<Summary> cross_summary(const Json& run) {
  const Json& options = run.at("options");
  std::vector<CrossModel> models;
  for (const Json& model : run.at("model"))
    models.push_back({.name = model.at("card").at("name"),
                      .family = model.at("card").at("family"),
                      .sha256 = model.at("sha256")});
  const long images =
      run.at("data").contains("shard") ? run.at("data").at("shard").at("images") : run.at("data").at("count");
  const int classes = std::max(2, run.at("model").at(0).at("card").at("classes").get<int>());
  if (!options.value("mses", Json::array()).empty())
    return std::make_unique<ShownSummary>(std::move(models),
                                          ShownSetting{.min_gap = options.at("min_gap"),
                                                       .sets = options.at("sets"),
                                                       .images = choice_of<ImagesRule>(run, "images"),
                                                       .predicted_images = images,
                                                       .rows = run.at("data").at("count"),
                                                       .classes = classes,
                                                       .seed = seed_of(run)});
  const CrossSetting setting{.steps = options.at("steps"),
                             .min_gap = options.at("min_gap"),
                             .method = options.at("method"),
                             .size = options.at("size"),
                             .images = choice_of<ImagesRule>(run, "images"),
                             .predicted_images = images,
                             .rows = run.at("data").at("count"),
                             .classes = classes,
                             .seed = seed_of(run)};
  return std::make_unique<CrossSummary>(std::move(models), setting);
}

}  // namespace

const RunKind& mse_kind() {
  static const RunKind kind{.tool = "xai-mse",
                            .statuses = {"ok", "skipped", "error", "baseline-sufficient"},
                            .paths = {"images/", "scores/"},
                            .summary = summary_by<mse_summary>};
  return kind;
}

const RunKind& subexp_kind() {
  static const RunKind kind{.tool = "xai-subexp",
                            .statuses = mse_kind().statuses,
                            .paths = {"graphs/"},
                            .reads = {"xai-mse"},
                            .summary = summary_by<subexp_summary>};
  return kind;
}

const RunKind& saliency_kind() {
  static const RunKind kind{.tool = "xai-saliency",
                            .statuses = {"ok", "skipped", "error"},
                            .paths = {"images/", "maps/"},
                            .summary = summary_by<saliency_summary>};
  return kind;
}

const RunKind& crosstest_kind() {
  static const RunKind kind{
      .tool = "xai-crosstest",
      .key = {"image", "source", "model"},
      .statuses = {"ok", "undefined", "error"},
      .paths = {"images/", "predictions/", "baselines/", "matrix.csv", "family_matrix.csv", "asymmetry.csv",
                "landscape.csv", "ensemble.csv", "sets_matrix.csv", "sets_family_matrix.csv"},
      .rows = {"predictions/", "baselines/"},
      .parts = "saliency/",
      .reads = {"xai-saliency", "xai-mse"},
      .summary = summary_by<cross_summary>};
  return kind;
}

const RunKind* kind_of(std::string_view tool) {
  for (const RunKind* kind : {&mse_kind(), &subexp_kind(), &saliency_kind(), &crosstest_kind()})
    if (kind->tool == tool) return kind;
  return nullptr;
}

}  // namespace xai
