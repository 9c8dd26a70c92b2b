#include "xai/record/cross_summary.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "xai/core/error.hpp"
#include "xai/metrics/landscape.hpp"
#include "xai/record/cross_tables.hpp"
#include "xai/record/kinds.hpp"
#include "xai/store/schema.hpp"

namespace xai {

namespace {

/// The AUCs of the images that means are over; of each image those of all pairs, source by source.
using Used = std::vector<const std::vector<double>*>;

std::vector<Statistics> describe_pairs(const Used& used, std::size_t pairs, std::uint64_t seed) {
  std::vector<std::vector<double>> values(pairs);
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    std::vector<double> of_pair;
    for (const auto* aucs : used) of_pair.push_back((*aucs)[pair]);
    values[pair] = defined(of_pair);
  }
  return describe_all(values, seed);
}

/// Of each model: the means of every image over the other models, and their differences.
Json asymmetry_of(const std::vector<CrossModel>& models, const Used& used, std::uint64_t seed) {
  const std::size_t n = models.size();
  Json result = Json::array();
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<double> as_source, as_target, difference;
    for (const auto* aucs : used) {
      std::vector<double> row, column;
      for (std::size_t other = 0; other < n; ++other)
        if (other != i) {
          row.push_back((*aucs)[n * i + other]);
          column.push_back((*aucs)[n * other + i]);
        }
      as_source.push_back(mean_of(defined(row)));
      as_target.push_back(mean_of(defined(column)));
      difference.push_back(as_source.back() - as_target.back());
    }
    const auto described = [&](const auto& values) { return to_json(describe(defined(values), seed)); };
    result.push_back(Json{{"model", models[i].name},
                          {"family", models[i].family},
                          {"as_source", described(as_source)},
                          {"as_target", described(as_target)},
                          {"difference", described(difference)}});
  }
  return result;
}

/// The mean over each two families' pairs. Null where one of the pairs has no mean.
Json family_matrix(const std::vector<FamilyPair>& families, const std::vector<double>& means) {
  Json result = Json::array();
  for (const FamilyPair& cell : families) {
    std::vector<double> of_pairs;
    for (const std::size_t pair : cell.pairs) of_pairs.push_back(means[pair]);
    result.push_back(Json{{"source_family", cell.source},
                          {"target_family", cell.target},
                          {"pairs", cell.self_test ? 0 : cell.pairs.size()},
                          {"mean", number_or_null(mean_of(of_pairs))},
                          {"self_test", cell.self_test}});
  }
  return result;
}

/// Why models have no places in a landscape; null where they have.
Json without_landscape(const std::vector<CrossModel>& models, const std::vector<double>& means) {
  if (models.size() < 3) return "a landscape needs at least three models";
  for (std::size_t i = 0; i < means.size(); ++i)
    if (std::isnan(means[i]))
      return cat("no image gives a value to ", models[i / models.size()].name, " -> ",
                 models[i % models.size()].name);
  return nullptr;
}

Json landscape_of(const std::vector<CrossModel>& models, const std::vector<double>& means) {
  const std::size_t n = models.size();
  std::vector<double> kernel;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) kernel.push_back((means[n * i + j] + means[n * j + i]) / 2);
  const Landscape pca = kernel_pca(kernel), mds = classical_mds(model_distances(means));
  const auto axes = [](const Landscape& landscape) {
    return Json{{"eigenvalues", landscape.eigenvalues}, {"explained", landscape.explained}};
  };
  Json points = Json::array();
  for (std::size_t i = 0; i < n; ++i)
    points.push_back(Json{{"model", models[i].name},
                          {"family", models[i].family},
                          {"kernel_pca", pca.points[i]},
                          {"mds", mds.points[i]}});
  return Json{{"kernel_pca", axes(pca)}, {"mds", axes(mds)}, {"points", points}};
}

}  // namespace

CrossSummary::CrossSummary(std::vector<CrossModel> models, CrossSetting setting)
    : tally_(std::move(models), {"gap", "map-target", "no-map"}), setting_(std::move(setting)) {}

void CrossSummary::add(const Json& record) {
  const auto [image, source, model, pair] = tally_.add(record);
  aucs_.resize(tally_.images(), std::vector(tally_.pairs(), Statistics::undefined));
  if (record["status"] == "ok") aucs_[image][pair] = record["auc"];
}

void CrossSummary::add_files(const std::filesystem::path& folder) {
  tally_.add_files(folder, static_cast<std::size_t>(setting_.rows), setting_.classes);
}

Json CrossSummary::to_json() const {
  Used complete, all;
  for (const auto& aucs : aucs_) {
    all.push_back(&aucs);
    if (defined(aucs).size() == aucs.size()) complete.push_back(&aucs);
  }
  const Used& used = setting_.images == ImagesRule::common ? complete : all;
  const std::vector<CrossModel>& models = tally_.models();
  const std::size_t n = models.size();
  std::vector<double> means;
  Json matrix = Json::array(), quantities = Json::object();
  for (const Statistics& statistics : describe_pairs(used, n * n, setting_.seed)) {
    const std::size_t pair = means.size();
    const std::string &source = models[pair / n].name, &target = models[pair % n].name;
    means.push_back(statistics.mean);
    const Json numbers = xai::to_json(statistics);
    matrix.push_back(Json{{"source", source}, {"model", target}});
    matrix.back().update(numbers);
    matrix.back()["undefined"] = tally_.undefined(pair);
    quantities[cat("auc ", source, " -> ", target)] = numbers;
  }
  const Json without = without_landscape(models, means);
  return Json{{"schema_version", schema_version},
              {"tool", crosstest_kind().tool},
              {"images", aucs_.size()},
              {"predicted_images", setting_.predicted_images},
              {"pairs", tally_.statuses()},
              {"undefined_reasons", tally_.reasons()},
              {"images_rule", name(setting_.images)},
              {"common_images", complete.size()},
              {"steps", setting_.steps},
              {"min_gap", setting_.min_gap},
              {"method", setting_.method},
              {"size", setting_.size},
              {"bootstrap", bootstrap(setting_.seed)},
              {"models", tally_.models_json()},
              {"matrix", matrix},
              {"families", family_matrix(tally_.families(), means)},
              {"asymmetry", asymmetry_of(models, used, setting_.seed)},
              {"landscape", without.is_null() ? landscape_of(models, means) : Json()},
              {"landscape_reason", without},
              {"ensembles", tally_.ensembles_json()},
              {"quantities", quantities}};
}

std::map<std::string, std::string> CrossSummary::tables(const Json& summary) const {
  std::map<std::string, std::string> files = {{"matrix.csv", matrix_csv(summary)},
                                              {"family_matrix.csv", family_matrix_csv(summary)},
                                              {"asymmetry.csv", asymmetry_csv(summary)},
                                              {"landscape.csv", landscape_csv(summary)}};
  if (!summary["ensembles"].is_null()) files["ensemble.csv"] = ensemble_csv(summary);
  return files;
}

}  // namespace xai
