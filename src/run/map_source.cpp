#include "map_source.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "xai/core/file.hpp"
#include "xai/core/log.hpp"
#include "xai/record/kinds.hpp"
#include "xai/run/session.hpp"
#include "xai/store/npy.hpp"

namespace xai {
namespace {

/// What makes a map what it is.
struct Making {
  PerturbationOptions perturbation;
  MapOptions maps;
};

void describe(OptionTable& table, Making& options) {
  describe(table, options.perturbation);
  describe(table, options.maps);
}

/// That part of the options of a run of xai-saliency.
Json making_in(const Json& options) {
  Making making;
  OptionTable table;
  describe(table, making);
  Json part = Json::object();
  for (const Option& option : table.options())
    if (options.contains(option.key)) part[option.key] = options[option.key];
  return part;
}

}  // namespace

MapSource::MapSource(const CrossSubject& subject) : subject_(subject), maps_(subject.cards.size()) {
  const CrosstestRunOptions& options = subject.options;
  Json like;
  if (options.maps.size() < subject.cards.size())
    like = values_of(Making{options.perturbation, options.making}).identity;
  for (const auto& folder : options.maps) {
    FinishedRun run(folder, saliency_kind());
    const Json identity = run.run().value("identity", Json::object());
    const Model model = model_of(run, subject, "maps");
    const Json made = making_in(identity.value("options", Json::object()));
    MapOptions method = options.making;
    OptionTable wanted;
    describe_method(wanted, method);
    for (const Option& option : wanted.options())
      require(made.value(option.key, Json()) == option.value(), "'maps' ", folder.string(), " has maps of ",
              option.key, " ", to_text(made.value(option.key, Json())), ", not ", to_text(option.value()),
              ": give '", option.key, "'");
    if (like.is_null()) like = made;
    const auto difference = first_difference(like, made, "");
    require(!difference, "'maps' ", folder.string(),
            " has maps that were made otherwise than the others: ", difference.value_or(""));
    auto& place = maps_[model];
    require(!place, "'maps' names two runs of model ", subject.cards[model].name);
    place.emplace(std::move(run));
  }
}

bool MapSource::made(Model model) const {
  const auto file = subject_.map_run(model).output.out / "run.json";
  if (subject_.options.output.overwrite || !std::filesystem::exists(file)) return false;
  return field(Json::parse(read_file(file), nullptr, false), "status") == "done";
}

Json MapSource::identity(Model model) const {
  return maps_[model] ? Json(maps_[model]->records_sha256()) : Json();
}

ClassifierOptions MapSource::needs(Model model) const {
  const bool makes_map = !maps_[model] && !made(model);
  const MapOptions& making = subject_.options.making;
  return {.gradients = makes_map && making.optimises(),
          .features = makes_map && making.method == SaliencyMethod::gradcam};
}

int MapSource::size() const {
  return subject_.options.making.size;
}

std::vector<int> MapSource::counts() const {
  return curve_counts(subject_.options.curve, cells());
}

long MapSource::masks(Model /*source*/, std::size_t /*row*/) const {
  return static_cast<long>(counts().size()) - 2;  // between baseline and image
}

std::size_t MapSource::drawn_point() const {
  const CrosstestRunOptions& options = subject_.options;
  return static_cast<std::size_t>(std::lround(options.reveal / 100 * options.curve.steps));
}

EvidenceHeadings MapSource::headings() const {
  const double shown = 100.0 * counts()[drawn_point()] / cells();
  return {.map = "its map (yellow: most)", .shown = cat("its most important ", std::lround(shown), " %")};
}

std::optional<double> MapSource::probability_shown(const Json& record) const {
  if (record["curve"].empty()) return {};
  const double baseline = record["p_baseline"], full = record["p_full"];
  return baseline + record["curve"][drawn_point()].get<double>() * (full - baseline);
}

void MapSource::invent(CrossPair& pair) const {
  pair.curve = Curve{.values = {}, .auc = 1 / 3.0};
  for (std::size_t i = 0; i < counts().size(); ++i)
    pair.curve->values.push_back(1 / (static_cast<double>(i) + 3));
}

RunResult MapSource::run_maps(Model m, ModelPool& pool, RunObserver& observer) const {
  const SaliencyRunOptions run = subject_.map_run(m);
  for (const std::filesystem::path& place : {run.output.out.parent_path(), run.output.out})
    require(!std::filesystem::is_symlink(place), place.string(),
            " is a symbolic link, through which nothing is written; remove it or choose another 'out'");
  log::info("maps of ", subject_.cards[m].name, ": ", run.output.out.string());
  const auto open = [&](const ModelCard&, const ClassifierOptions& options) {
    return pool.get(m, options.tuning);
  };
  return run_saliency(run, observer, open);
}

bool MapSource::make_missing(ModelPool& pool, RunObserver& observer) {
  for (Model m = 0; m < maps_.size(); ++m) {
    if (maps_[m]) continue;
    const RunResult made = run_maps(m, pool, observer);
    if (!made.complete) return false;
    maps_[m].emplace(made.folder, saliency_kind(), shard_identity(subject_.shard));
  }
  return true;
}

void MapSource::plan_missing(ModelPool& pool, RunObserver& observer, RunPlan& plan) const {
  for (Model m = 0; m < maps_.size(); ++m) {
    if (maps_[m]) continue;
    const RunPlan maps = run_maps(m, pool, observer).plan.value();
    plan.parts.insert(plan.parts.end(), maps.parts.begin(), maps.parts.end());
    plan.bytes += maps.bytes;
  }
}

SourceEvidence MapSource::evidence_of(Model source, std::size_t row, const std::string& content) const {
  const FinishedRun& run = *maps_[source];
  const ImageEntry& image = subject_.image(row);
  const Json record = run.record(image.id);
  SourceEvidence result{.target = image.label};
  if (!record.is_null() && record.at("status") == "error") {
    result.failure =
        cat("no map of model ", subject_.cards[source].name, ": ", record.at("reason").get<std::string>());
    result.why_none = "The map of this model failed.";
    return result;
  }
  if (record.is_null() || record.at("status") != "ok") {
    result.problem = "no-map";
    result.why_none = "This model has no map of the image.";
    return result;
  }
  require<DataError>(record.at("content") == content, "the photograph is not the one that the map in ",
                     run.folder().string(), " is of (its SHA-256 is another); make the maps again");
  if (!subject_.data.labelled()) result.target = record.at("predicted");
  if (record.at("target") != *result.target) {
    result.problem = "map-target";
    result.why_none = "The map explains another class.";
    return result;
  }
  const auto file = run.folder() / record.at("map").get<std::string>();
  result.map = read_npy(file).values;
  require<DataError>(result.map.size() == static_cast<std::size_t>(cells()), file.string(), " does not have ",
                     cells(), " cells; make the maps again");
  require<DataError>(
      std::all_of(result.map.begin(), result.map.end(), [](float v) { return std::isfinite(v); }),
      file.string(), " has values that are not finite; make the maps again");

  const std::vector<int> order = importance_order(result.map), counts = this->counts();
  std::vector<float> masks;
  for (std::size_t t = 1; t + 1 < counts.size(); ++t) {
    const std::vector<float> mask = curve_mask(order, counts[t], Direction::insertion);
    masks.insert(masks.end(), mask.begin(), mask.end());
  }
  result.masks = at::tensor(at::ArrayRef<float>(masks)).view({-1, size(), size()});
  result.shown = curve_mask(order, counts[drawn_point()], Direction::insertion);
  result.take = [this](CrossPair& pair, std::span<const double> revealed) {
    std::vector<double> f = {*pair.facts.p_baseline};
    f.insert(f.end(), revealed.begin(), revealed.end());
    f.push_back(*pair.facts.p_full);
    pair.curve = make_curve(subject_.options.curve, cells(), Direction::insertion, f);
  };
  return result;
}

}  // namespace xai
