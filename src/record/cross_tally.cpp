#include "xai/record/cross_tally.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <span>
#include <utility>

#include "xai/core/error.hpp"
#include "xai/record/kinds.hpp"
#include "xai/store/file_name.hpp"
#include "xai/store/prediction_store.hpp"

namespace xai {

std::string predictions_file(const std::string& model) {
  return "predictions/" + file_name_of(model, ".npy");
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::vector<double> defined(const std::vector<double>& values) {
  std::vector<double> result;
  std::copy_if(values.begin(), values.end(), std::back_inserter(result),
               [](double value) { return !std::isnan(value); });
  return result;
}

namespace {

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

CrossTally::CrossTally(std::vector<CrossModel> models, std::initializer_list<const char*> reasons)
    : models_(std::move(models)), undefined_(models_.size() * models_.size(), 0) {
  for (const std::string& status : crosstest_kind().statuses) statuses_[status] = 0;
  for (const char* reason : reasons) reasons_[reason] = 0;
  for (const CrossModel& model : models_)
    require(index_.emplace(model.name, index_.size()).second, "two models have the name ", model.name,
            "; export one of them under another name");
}

CrossTally::Place CrossTally::add(const Json& record) {
  const std::size_t source = index_.at(record["source"]), model = index_.at(record["model"]);
  const Place place{.image = images_.emplace(record["image"], images_.size()).first->second,
                    .source = source,
                    .model = model,
                    .pair = models_.size() * source + model};
  const std::string status = record["status"];
  ++statuses_.at(status);
  if (status == "undefined") {
    ++undefined_[place.pair];
    ++reasons_.at(record["reason"]);
  }
  return place;
}

std::vector<FamilyPair> CrossTally::families() const {
  std::vector<std::string> families;
  for (const CrossModel& model : models_)
    if (std::find(families.begin(), families.end(), model.family) == families.end())
      families.push_back(model.family);
  std::vector<FamilyPair> result;
  for (const auto& source : families)
    for (const auto& target : families) {
      FamilyPair cell{.source = source, .target = target, .pairs = {}};
      std::vector<std::size_t> self_tests;
      for (std::size_t i = 0; i < models_.size(); ++i)
        for (std::size_t j = 0; j < models_.size(); ++j)
          if (models_[i].family == source && models_[j].family == target)
            (i == j ? self_tests : cell.pairs).push_back(models_.size() * i + j);
      cell.self_test = cell.pairs.empty();
      if (cell.self_test) cell.pairs = self_tests;
      result.push_back(std::move(cell));
    }
  return result;
}

void CrossTally::add_files(const std::filesystem::path& folder, std::size_t rows, int classes) {
  if (!std::filesystem::exists(folder / labels_file)) return;
  const LabelStore labels(folder / labels_file, rows, RunAccess::look);
  std::vector<PredictionStore> predictions;
  for (const CrossModel& model : models_)
    predictions.emplace_back(folder / predictions_file(model.name), rows, classes, RunAccess::look);
  EnsembleCounter counter(models_.size(), classes);
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

Json CrossTally::models_json() const {
  Json models = Json::array();
  for (std::size_t i = 0; i < models_.size(); ++i) {
    const auto of_single = [&](long Ensemble::*count) {
      return ensembles_ ? share(ensembles_->sets.at(i).*count, ensembles_->images) : Json();
    };
    models.push_back(Json{{"name", models_[i].name},
                          {"family", models_[i].family},
                          {"sha256", models_[i].sha256},
                          {"top1", of_single(&Ensemble::top1)},
                          {"top5", of_single(&Ensemble::top5)}});
  }
  return models;
}

Json CrossTally::ensembles_json() const {
  return ensembles_ ? ensembles_of(models_, *ensembles_) : Json();
}

}  // namespace xai
