#include "xai/record/shown_summary.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "xai/core/error.hpp"
#include "xai/record/cross_tables.hpp"
#include "xai/record/kinds.hpp"
#include "xai/store/schema.hpp"

namespace xai {
namespace {

/// Of ratios, at least one of them.
double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return quantile(values, 0.5);
}

double share_at_least(double threshold, const std::vector<double>& values) {
  const auto count = std::count_if(values.begin(), values.end(), [&](double v) { return v >= threshold; });
  return static_cast<double>(count) / static_cast<double>(values.size());
}

}  // namespace

ShownSummary::ShownSummary(std::vector<CrossModel> models, ShownSetting setting)
    : tally_(std::move(models), {"gap", "no-mses"}), setting_(std::move(setting)) {}

bool ShownSummary::Image::complete() const {
  return std::all_of(pairs.begin(), pairs.end(),
                     [](const Values& values) { return !std::isnan(values.front()); });
}

void ShownSummary::add(const Json& record) {
  const auto place = tally_.add(record);
  Values nothing;
  nothing.fill(Statistics::undefined);
  images_.resize(tally_.images(), {.pairs = std::vector(tally_.pairs(), nothing),
                                   .right = std::vector(tally_.models().size(), Right::unknown)});
  Image& image = images_[place.image];
  if (!record["label"].is_null() && !record["predicted"].is_null())
    image.right[place.model] = record["label"] == record["predicted"] ? Right::yes : Right::no;
  if (record["status"] != "ok") return;

  const Json& sets = record["sets"];
  threshold_ = sets["threshold"];
  const std::vector<double> ratios = sets["ratios"], random = sets["random_ratios"],
                            other = sets["other_ratios"];
  const std::vector<double> smallest(ratios.begin(), ratios.begin() + sets["smallest"].get<long>());
  const auto sufficient = [&](const std::vector<double>& values) {
    return share_at_least(threshold_, values);
  };
  Values& values = image.pairs[place.pair];
  values = {sufficient(ratios), mean_of(ratios),     median_of(ratios),  sufficient(smallest),
            mean_of(smallest),  median_of(smallest), sufficient(random), mean_of(random),
            sufficient(other),  mean_of(other)};
}

void ShownSummary::add_files(const std::filesystem::path& folder) {
  tally_.add_files(folder, static_cast<std::size_t>(setting_.rows), setting_.classes);
}

bool ShownSummary::labelled() const {
  return std::any_of(images_.begin(), images_.end(), [](const Image& image) {
    return std::any_of(image.right.begin(), image.right.end(), [](Right r) { return r != Right::unknown; });
  });
}

/// Of each quantity: over images, the mean over those of the pairs that are defined there.
Json ShownSummary::describe_pairs(const std::vector<std::size_t>& pairs,
                                  const std::vector<const Image*>& used, bool both_right) const {
  const std::size_t n = tally_.models().size();
  std::vector<std::vector<double>> values(quantities.size());
  for (const Image* image : used)
    for (std::size_t q = 0; q < quantities.size(); ++q) {
      std::vector<double> of_pairs;
      for (const std::size_t pair : pairs) {
        const bool right = image->right[pair / n] == Right::yes && image->right[pair % n] == Right::yes;
        if (right || !both_right) of_pairs.push_back(image->pairs[pair][q]);
      }
      of_pairs = defined(of_pairs);
      if (!of_pairs.empty()) values[q].push_back(mean_of(of_pairs));
    }
  Json result = Json::object();
  const std::vector<Statistics> statistics = describe_all(values, setting_.seed);
  for (std::size_t q = 0; q < quantities.size(); ++q) result[quantities[q]] = xai::to_json(statistics[q]);
  return result;
}

Json ShownSummary::to_json() const {
  std::vector<const Image*> complete, all;
  for (const Image& image : images_) {
    all.push_back(&image);
    if (image.complete()) complete.push_back(&image);
  }
  const auto& used = setting_.images == ImagesRule::common ? complete : all;
  const std::vector<CrossModel>& models = tally_.models();
  const std::size_t n = models.size();
  const bool labelled = this->labelled();
  const auto described = [&](const std::vector<std::size_t>& pairs) {
    return Json{{"all", describe_pairs(pairs, used, false)},
                {"both_right", labelled ? describe_pairs(pairs, used, true) : Json()}};
  };
  Json matrix = Json::array(), families = Json::array(), headline = Json::object();
  for (std::size_t pair = 0; pair < n * n; ++pair) {
    const std::string &source = models[pair / n].name, &target = models[pair % n].name;
    matrix.push_back(Json{{"source", source}, {"model", target}, {"undefined", tally_.undefined(pair)}});
    matrix.back().update(described({pair}));
    for (const char* quantity : {"sufficient", "ratio"})
      headline[cat(quantity, " ", source, " -> ", target)] = matrix.back()["all"][quantity];
  }
  for (const FamilyPair& cell : tally_.families()) {
    families.push_back(Json{{"source_family", cell.source},
                            {"target_family", cell.target},
                            {"pairs", cell.self_test ? 0 : cell.pairs.size()},
                            {"self_test", cell.self_test}});
    families.back().update(described(cell.pairs));
  }
  return Json{{"schema_version", schema_version},
              {"tool", crosstest_kind().tool},
              {"shows", "mses"},
              {"images", tally_.images()},
              {"predicted_images", setting_.predicted_images},
              {"pairs", tally_.statuses()},
              {"undefined_reasons", tally_.reasons()},
              {"images_rule", name(setting_.images)},
              {"common_images", complete.size()},
              {"min_gap", setting_.min_gap},
              {"sets", setting_.sets},
              {"threshold", number_or_null(threshold_)},
              {"bootstrap", bootstrap(setting_.seed)},
              {"models", tally_.models_json()},
              {"matrix", matrix},
              {"families", families},
              {"ensembles", tally_.ensembles_json()},
              {"quantities", headline}};
}

std::map<std::string, std::string> ShownSummary::tables(const Json& summary) const {
  std::map<std::string, std::string> files = {{"sets_matrix.csv", sets_matrix_csv(summary)},
                                              {"sets_family_matrix.csv", sets_family_matrix_csv(summary)}};
  if (!summary["ensembles"].is_null()) files["ensemble.csv"] = ensemble_csv(summary);
  return files;
}

}  // namespace xai
