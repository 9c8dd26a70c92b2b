#include "xai/record/cross_summary.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <utility>

#include "xai/core/error.hpp"
#include "xai/metrics/landscape.hpp"
#include "xai/record/cross_tables.hpp"
#include "xai/record/kinds.hpp"
#include "xai/store/file_name.hpp"
#include "xai/store/prediction_store.hpp"
#include "xai/store/schema.hpp"

namespace xai {

std::string predictions_file(const std::string& model) {
  return "predictions/" + file_name_of(model, ".npy");
}

namespace {

/// NaN for nothing.
double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// What is not NaN.
std::vector<double> defined(const std::vector<double>& values) {
  std::vector<double> result;
  std::copy_if(values.begin(), values.end(), std::back_inserter(result),
               [](double value) { return !std::isnan(value); });
  return result;
}

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

/// Of each two families, those of the first model first: the mean over ordered pairs of different models; of
/// a family of one and itself, its model's self-test. Null where one of the pairs has no mean.
Json family_matrix(const std::vector<CrossModel>& models, const std::vector<double>& means) {
  std::vector<std::string> families;
  for (const CrossModel& model : models)
    if (std::find(families.begin(), families.end(), model.family) == families.end())
      families.push_back(model.family);

  Json result = Json::array();
  for (const auto& source : families)
    for (const auto& target : families) {
      std::vector<double> pairs, self_tests;
      for (std::size_t i = 0; i < models.size(); ++i)
        for (std::size_t j = 0; j < models.size(); ++j)
          if (models[i].family == source && models[j].family == target)
            (i == j ? self_tests : pairs).push_back(means[models.size() * i + j]);
      const bool self_test = pairs.empty();
      result.push_back(Json{{"source_family", source},
                            {"target_family", target},
                            {"pairs", pairs.size()},
                            {"mean", number_or_null(mean_of(self_test ? self_tests : pairs))},
                            {"self_test", self_test}});
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

/// Every set with its gains, and the mean gains of pairs. The first sets are the single models.
Json ensembles_of(const std::vector<CrossModel>& models, const Ensembles& ensembles) {
  struct Gains {
    std::vector<double> over_best, over_mean;

    Json to_json() const {
      return Json{{"n", over_best.size()},
                  {"mean_gain_over_best", number_or_null(mean_of(over_best))},
                  {"mean_gain_over_mean", number_or_null(mean_of(over_mean))}};
    }
  };
  Gains within, across;
  Json sets = Json::array();
  for (const Ensemble& set : ensembles.sets) {
    Json names = Json::array();
    long best = 0, sum = 0;
    bool one_family = true;
    for (const int member : set.members) {
      names.push_back(models[member].name);
      best = std::max(best, ensembles.sets[member].top1);
      sum += ensembles.sets[member].top1;
      one_family = one_family && models[member].family == models[set.members.front()].family;
    }
    const std::size_t size = set.members.size();
    const auto n = static_cast<double>(ensembles.images);
    const double over_best = static_cast<double>(set.top1 - best) / n;
    const double over_mean =
        (static_cast<double>(set.top1) - static_cast<double>(sum) / static_cast<double>(size)) / n;
    if (size == 2) {
      Gains& gains = one_family ? within : across;
      gains.over_best.push_back(over_best);
      gains.over_mean.push_back(over_mean);
    }
    sets.push_back(Json{{"members", names},
                        {"relation", size == 1    ? "single"
                                     : one_family ? "within"
                                                  : "across"},
                        {"top1", share(set.top1, ensembles.images)},
                        {"top5", share(set.top5, ensembles.images)},
                        {"gain_over_best", number_or_null(over_best)},
                        {"gain_over_mean", number_or_null(over_mean)}});
  }
  return Json{{"sets", sets}, {"pairs_within", within.to_json()}, {"pairs_across", across.to_json()}};
}

}  // namespace

CrossSummary::CrossSummary(std::vector<CrossModel> models, CrossSetting setting)
    : models_(std::move(models)),
      setting_(std::move(setting)),
      undefined_(models_.size() * models_.size(), 0) {
  for (const std::string& status : crosstest_kind().statuses) statuses_[status] = 0;
  for (const CrossModel& model : models_)
    require(index_.emplace(model.name, index_.size()).second, "two models have the name ", model.name,
            "; export one of them under another name");
}

void CrossSummary::add(const Json& record) {
  const std::size_t pair = models_.size() * index_.at(record["source"]) + index_.at(record["model"]);
  const auto [row, is_new] = rows_.emplace(record["image"], rows_.size());
  if (is_new) aucs_.emplace_back(undefined_.size(), Statistics::undefined);
  const std::string status = record["status"];
  ++statuses_.at(status);
  if (status == "ok") aucs_[row->second][pair] = record["auc"];
  if (status == "undefined") {
    ++undefined_[pair];
    ++reasons_.at(record["reason"]);
  }
}

void CrossSummary::add_files(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / labels_file)) return;
  const auto rows = static_cast<std::size_t>(setting_.rows);
  const LabelStore labels(folder / labels_file, rows, RunAccess::look);
  std::vector<PredictionStore> predictions;
  for (const CrossModel& model : models_)
    predictions.emplace_back(folder / predictions_file(model.name), rows, setting_.classes, RunAccess::look);
  EnsembleCounter counter(models_.size(), setting_.classes);
  for (std::size_t image = 0; image < labels.rows(); ++image) {
    const auto label = labels.label(image);
    const bool known = std::all_of(predictions.begin(), predictions.end(),
                                   [&](const PredictionStore& store) { return store.known(image); });
    if (!label || !known) continue;
    std::vector<std::vector<float>> said;
    for (const PredictionStore& store : predictions) said.push_back(store.row(image));
    counter.add(std::vector<std::span<const float>>(said.begin(), said.end()), *label);
  }
  set_ensembles(counter.result());
}

Json CrossSummary::to_json() const {
  Used complete, all;
  for (const auto& aucs : aucs_) {
    all.push_back(&aucs);
    if (defined(aucs).size() == aucs.size()) complete.push_back(&aucs);
  }
  const Used& used = setting_.images == ImagesRule::common ? complete : all;
  const std::size_t n = models_.size();
  std::vector<double> means;
  Json matrix = Json::array(), quantities = Json::object(), models = Json::array();
  for (const Statistics& statistics : describe_pairs(used, n * n, setting_.seed)) {
    const std::size_t pair = means.size();
    const std::string &source = models_[pair / n].name, &target = models_[pair % n].name;
    means.push_back(statistics.mean);
    const Json numbers = xai::to_json(statistics);
    matrix.push_back(Json{{"source", source}, {"model", target}});
    matrix.back().update(numbers);
    matrix.back()["undefined"] = undefined_[pair];
    quantities[cat("auc ", source, " -> ", target)] = numbers;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const auto of_single = [&](long Ensemble::*count) {
      return ensembles_ ? share(ensembles_->sets.at(i).*count, ensembles_->images) : Json();
    };
    models.push_back(Json{{"name", models_[i].name},
                          {"family", models_[i].family},
                          {"sha256", models_[i].sha256},
                          {"top1", of_single(&Ensemble::top1)},
                          {"top5", of_single(&Ensemble::top5)}});
  }
  const Json without = without_landscape(models_, means);
  return Json{{"schema_version", schema_version},
              {"tool", crosstest_kind().tool},
              {"images", aucs_.size()},
              {"predicted_images", setting_.predicted_images},
              {"pairs", statuses_},
              {"undefined_reasons", reasons_},
              {"images_rule", name(setting_.images)},
              {"common_images", complete.size()},
              {"steps", setting_.steps},
              {"min_gap", setting_.min_gap},
              {"method", setting_.method},
              {"size", setting_.size},
              {"bootstrap", bootstrap(setting_.seed)},
              {"models", models},
              {"matrix", matrix},
              {"families", family_matrix(models_, means)},
              {"asymmetry", asymmetry_of(models_, used, setting_.seed)},
              {"landscape", without.is_null() ? landscape_of(models_, means) : Json()},
              {"landscape_reason", without},
              {"ensembles", ensembles_ ? ensembles_of(models_, *ensembles_) : Json()},
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
