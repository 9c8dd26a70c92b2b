#include "crosstest_run.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <iostream>
#include <mutex>
#include <set>

#include "common/image_run.hpp"
#include "saliency_run.hpp"
#include "xai/core/error.hpp"
#include "xai/core/file.hpp"
#include "xai/core/interrupt.hpp"
#include "xai/core/log.hpp"
#include "xai/core/parallel.hpp"
#include "xai/core/progress.hpp"
#include "xai/core/version.hpp"
#include "xai/data/image.hpp"
#include "xai/metrics/ensemble.hpp"
#include "xai/picture/cross_picture.hpp"
#include "xai/picture/picture.hpp"
#include "xai/record/cross_gate.hpp"
#include "xai/record/cross_record.hpp"
#include "xai/record/cross_tables.hpp"
#include "xai/record/summary.hpp"
#include "xai/store/npy.hpp"

namespace xai::tools {
namespace {

/// The cards of models that can be compared: with names of their own and the same classes.
std::vector<ModelCard> read_cards(const CrosstestToolOptions& options) {
  std::vector<ModelCard> cards;
  std::set<std::string> names;
  for (const auto& model : options.models) {
    cards.push_back(read_model_card(model));
    const ModelCard &first = cards.front(), &card = cards.back();
    require(names.insert(card.name).second, "two --models are named ", card.name,
            ": give one of the cards another name");
    require(card.classes == first.classes && card.class_list.ids == first.class_list.ids, "models ",
            first.name, " and ", card.name, " do not have the same classes: only such can be compared");
    require(card.name.find('/') == std::string::npos && !card.name.starts_with('.'), "the name '", card.name,
            "' in a model's card cannot be a file's: give the card another one");
    options.saliency.check(card);
  }
  return cards;
}

/// Those options of a run of xai-saliency that make its maps what they are.
Json making_of(Json options) {
  for (const char* other : {"max_pixels", "metric", "steps", "min_gap", "target", "only_correct",
                            "min_probability", "precision", "seed", "gradcam"})
    options.erase(other);
  return options;
}

/// The runs of --maps, each at the place of the model it is of. All maps must be made alike.
std::vector<std::optional<FinishedRun>> open_maps(const CrosstestToolOptions& options,
                                                  const std::vector<ModelCard>& cards) {
  std::vector<std::optional<FinishedRun>> maps(cards.size());
  Json like;
  if (options.maps.size() < cards.size())
    like = making_of(options.map_run(options.models.front(), "", false).identity());
  for (const auto& folder : options.maps) {
    FinishedRun run(folder, "xai-saliency");
    const Json identity = run.run().value("identity", Json::object());
    const auto model = std::find_if(cards.begin(), cards.end(), [&](const ModelCard& card) {
      return identity.value("model", Json()) == card.sha256;
    });
    require(model != cards.end(), "--maps ", folder.string(), " is of a model that is none of --models");
    const Json made = identity.value("options", Json::object());
    const Json wanted = {{"method", name(options.saliency.method)}, {"size", options.saliency.igos.size}};
    for (const char* what : {"method", "size"})
      require(made.value(what, Json()) == wanted[what], "--maps ", folder.string(), " has maps of ", what,
              " ", to_text(made.value(what, Json())), ", not ", to_text(wanted[what]), ": give --", what);
    if (like.is_null()) like = making_of(made);
    const auto difference = first_difference(like, making_of(made), "");
    require(!difference, "--maps ", folder.string(),
            " has maps that were made otherwise than the others: ", difference.value_or(""));
    auto& place = maps[static_cast<std::size_t>(model - cards.begin())];
    require(!place, "--maps names two runs of model ", model->name);
    place.emplace(std::move(run));
  }
  return maps;
}

Json identity_of(const CrosstestToolOptions& options, const std::vector<ModelCard>& cards,
                 const DataSet& data, const std::vector<std::optional<FinishedRun>>& maps) {
  Json models = Json::object();
  std::string order;
  bool all_given = true;
  for (std::size_t m = 0; m < cards.size(); ++m) {
    models[cards[m].name] = {{"sha256", cards[m].sha256},
                             {"maps", maps[m] ? Json(maps[m]->records_sha256()) : Json()}};
    order += (m > 0 ? " " : "") + cards[m].name;
    all_given = all_given && maps[m];
  }
  Json identity = {{"tool", "xai-crosstest"},
                   {"models", models},
                   {"order", order},
                   {"data", data_identity(data)},
                   {"options", options.identity()}};
  if (!all_given)
    identity["made_maps"] = options.map_run(options.models.front(), "", data.labelled()).identity();
  return identity;
}

std::vector<PredictionTable> open_tables(const RunFolder& folder, const std::vector<ModelCard>& cards,
                                         const std::string& kind, std::size_t rows) {
  std::vector<PredictionTable> tables;
  for (const ModelCard& card : cards)
    tables.emplace_back(folder, cat(kind, "/", card.name, ".npy"), rows, card.classes);
  return tables;
}

std::vector<std::string> names_of(const std::vector<ModelCard>& cards) {
  std::vector<std::string> names;
  for (const ModelCard& card : cards) names.push_back(card.name);
  return names;
}

bool all_know(std::span<const PredictionTable> tables, std::size_t row) {
  return std::all_of(tables.begin(), tables.end(), [&](const auto& table) { return table.known(row); });
}

}  // namespace

CrosstestRun::CrosstestRun(const CrosstestToolOptions& options, std::vector<std::string> command)
    : options_(options),
      command_(std::move(command)),
      cards_(read_cards(options)),
      data_(open_data(options.saliency.input.data, cards_.front())),
      tested_(evenly_spread(data_.images.size(), static_cast<std::size_t>(options.cross_images))),
      maps_(open_maps(options, cards_)),
      baseline_(options.compare.empty() ? Json()
                                        : read_baseline(options.compare, conditions(), names_of(cards_))),
      folder_(options.saliency.output.out, identity_of(options, cards_, data_, maps_),
              options.saliency.output.overwrite, {"image", "source", "target_model"}),
      log_(folder_),
      on_image_(open_tables(folder_, cards_, "predictions", data_.images.size())),
      on_baseline_(open_tables(folder_, cards_, "baselines", tested_.size())) {
  const ComputeOptions& compute = options_.saliency.compute;
  const at::Device device = parse_device(compute.device);
  const EngineOptions engine = compute.engine_options({}, device);
  log_.info = {.tool = "xai-crosstest",
               .tool_version = std::string(version()),
               .git_commit = std::string(git_commit()),
               .command = command_,
               .options = options_.resolved(),
               .model = Json::array(),
               .data = data_record(options_.saliency.input.data, data_),
               .platform = compute.platform_record(device),
               .tuning = Json::object(),
               .seed = options_.saliency.output.seed};
  for (Model m = 0; m < cards_.size(); ++m)
    log_.info.model.push_back(model_record(options_.models[m], cards_[m]));
  log_.info.platform["threads"] = engine.lanes;
  log_.info.platform["batch_size"] = engine.batch_size;
  if (folder_.previous_run().is_object() && folder_.previous_run().value("tuning", Json()).is_object())
    log_.info.tuning = folder_.previous_run()["tuning"];
}

ExitCode CrosstestRun::run() {
  if (folder_.previous_run().is_object() && folder_.previous_run().value("status", "") == "done" &&
      complete() && unknown_images() == 0) {
    log::info("nothing to do: ", folder_.path().string(), " has every pair (--overwrite starts anew)");
    const Json& drawn = folder_.previous_run().at("options");
    if (drawn.at("pictures") != options_.pictures || drawn.at("reveal") != options_.reveal) return conclude();
    return report(Json::parse(read_file(folder_.path() / "summary.json")));
  }
  log_.write("running");
  ExitCode code = failed;
  log_.guard([&] {
    if (make_maps()) {
      const std::size_t most = options_.models_in_memory > 0 ? options_.models_in_memory : cards_.size();
      for (Model first = 0; first < cards_.size() && !interrupted(); first += most)
        test(first, std::min(first + most, cards_.size()));
    }
    code = conclude();
  });
  return code;
}

/// Tells whether all are there: a signal may have come.
bool CrosstestRun::make_maps() {
  for (Model m = 0; m < cards_.size(); ++m) {
    if (maps_[m]) continue;
    const SaliencyToolOptions maps = options_.map_run(options_.models[m], cards_[m].name, data_.labelled());
    log::info("maps of ", cards_[m].name, ": ", maps.output.out.string());
    if (run_saliency(maps, command_) == stopped) return false;
    maps_[m].emplace(maps.output.out, "xai-saliency");
  }
  return true;
}

/// Loads models first .. last-1 and does all that is to be done with them.
void CrosstestRun::test(Model first, Model last) {
  std::vector<std::unique_ptr<TorchScriptClassifier>> models;
  std::vector<Classifier*> pointers;
  for (Model m = first; m < last; ++m) {
    const std::string& name = cards_[m].name;
    models.push_back(
        options_.saliency.compute.open(options_.models[m], log_.info.tuning.value(name, Json())));
    log_.info.tuning[name] = options_.saliency.compute.tuning_record(*models.back());
    pointers.push_back(models.back().get());
  }
  log_.write("running");
  const CrossTester tester(pointers, {.baseline = options_.saliency.perturbation.baseline,
                                      .mask = options_.saliency.perturbation.mask,
                                      .steps = options_.saliency.curve.steps,
                                      .batch_size = log_.info.platform["batch_size"]});
  predict(tester, std::span(on_image_).subspan(first, last - first), CrossTester::Shown::image);
  predict(tester, std::span(on_baseline_).subspan(first, last - first), CrossTester::Shown::baseline);
  cross_test(tester, first, last);
  log_.info.forward += tester.forward();
}

/// Runs jobs on all lanes, with progress, until a signal comes.
void CrosstestRun::in_parallel(const std::string& title, std::size_t jobs, const CrossTester& tester,
                               const std::function<void(std::size_t)>& job) {
  if (jobs == 0) return;
  const long before = tester.forward();
  std::atomic<long> ended = 0;
  Progress progress(title, static_cast<long>(jobs), !options_.saliency.app.quiet);
  for_each_in_parallel(
      jobs, log_.info.platform["threads"],
      [&](std::size_t i) {
        job(i);
        ++ended;
      },
      [&] {
        progress.update(ended, tester.forward() - before);
        return !interrupted();
      });
  progress.update(ended, tester.forward() - before);
}

/// Fills in what the tables of the tester's models do not know.
void CrosstestRun::predict(const CrossTester& tester, std::span<PredictionTable> tables,
                           CrossTester::Shown shown) {
  const bool intact = shown == CrossTester::Shown::image;
  std::vector<std::size_t> unknown;
  for (std::size_t row = 0; row < tables.front().rows(); ++row)
    if (!all_know(tables, row)) unknown.push_back(row);
  if (unknown.empty()) return;

  const auto most = log_.info.platform["batch_size"].get<std::size_t>();
  std::mutex mutex;
  Stopwatch since_saving;
  const auto save = [&] {
    for (const PredictionTable& table : tables) table.save(folder_);
    since_saving = Stopwatch();
  };
  in_parallel(intact ? "predictions" : "baselines", (unknown.size() + most - 1) / most, tester,
              [&](std::size_t chunk) {
                const auto part = std::span(unknown).subspan(chunk * most);
                std::vector<cv::Mat> photographs;
                std::vector<std::size_t> rows;
                for (const std::size_t row : part.first(std::min(most, part.size()))) {
                  const ImageEntry& image = data_.images[intact ? row : tested_[row]];
                  try {
                    photographs.push_back(read(image));
                    rows.push_back(row);
                  } catch (const DataError& error) {
                    if (intact) log::warning(image.id, ": ", error.what());
                  }
                }
                if (rows.empty()) return;
                const std::vector<at::Tensor> answers = tester.probabilities(photographs, shown);
                const std::lock_guard lock(mutex);
                for (std::size_t m = 0; m < tables.size(); ++m)
                  for (std::size_t i = 0; i < rows.size(); ++i) {
                    const at::Tensor answer = answers[m][static_cast<std::int64_t>(i)];
                    const std::span values(answer.data_ptr<float>(),
                                           static_cast<std::size_t>(answer.numel()));
                    if (!std::isnan(values.front()))
                      tables[m].set(rows[i], values);
                    else
                      log::warning(data_.images[intact ? rows[i] : tested_[rows[i]]].id,
                                   ": a model gives logits that are not finite (NaN or infinity)");
                  }
                if (since_saving.seconds() > 60) save();
              });
  save();
}

void CrosstestRun::cross_test(const CrossTester& tester, Model first, Model last) {
  std::vector<std::size_t> rows;
  const auto done = [&](std::size_t row, Model source, Model target) {
    return folder_.done({data_.images[tested_[row]].id, cards_[source].name, cards_[target].name});
  };
  for (std::size_t row = 0; row < tested_.size(); ++row) {
    bool all = true;
    for (Model source = 0; source < cards_.size(); ++source)
      for (Model target = first; target < last; ++target) all = all && done(row, source, target);
    if (!all) rows.push_back(row);
  }
  std::mutex mutex;
  in_parallel("cross-tests", rows.size(), tester, [&](std::size_t i) {
    const std::vector<Json> records = cross_test(tester, first, last, rows[i]);
    const std::lock_guard lock(mutex);
    for (const Json& record : records)
      if (!folder_.done({record["image"], record["source"], record["target_model"]})) folder_.append(record);
  });
}

/// The records of one image for all sources and models first .. last-1.
std::vector<Json> CrosstestRun::cross_test(const CrossTester& tester, Model first, Model last,
                                           std::size_t row) const {
  const ImageEntry& image = data_.images[tested_[row]];
  const auto pair_of = [&](Model source, Model target) {
    return CrossPair{.image = image.id,
                     .source = cards_[source].name,
                     .target_model = cards_[target].name,
                     .label = image.label};
  };
  std::vector<Json> records;
  try {
    const cv::Mat photograph = read(image);
    std::vector<Source> sources;
    std::vector<Evidence> evidence;
    for (Model source = 0; source < cards_.size(); ++source) {
      sources.push_back(source_of(source, image));
      evidence.push_back({.order = importance_order(sources.back().map),
                          .size = options_.saliency.igos.size,
                          .crop = crop_of(photograph.rows, photograph.cols, cards_[source]),
                          .target = sources.back().target.value_or(0)});
    }
    std::vector<std::vector<CrossPair>> pairs(last - first);
    std::vector<std::vector<bool>> wanted(last - first);
    for (Model target = first; target < last; ++target)
      for (Model source = 0; source < cards_.size(); ++source) {
        CrossPair pair = pair_of(source, target);
        pair.target = sources[source].target;
        pair.outside =
            share_outside(crop_of(photograph.rows, photograph.cols, cards_[target]), evidence[source].crop);
        const bool known = on_image_[target].known(tested_[row]) && on_baseline_[target].known(row);
        if (known) {
          pair.predicted = on_image_[target].arg_max(tested_[row]);
          if (pair.target) {
            pair.f_full = on_image_[target].row(tested_[row])[*pair.target];
            pair.f_baseline = on_baseline_[target].row(row)[*pair.target];
          }
        }
        wanted[target - first].push_back(known && !sources[source].problem && !sources[source].failure &&
                                         *pair.f_full - *pair.f_baseline >= options_.saliency.curve.min_gap);
        pairs[target - first].push_back(std::move(pair));
      }
    const auto revealed = tester.reveal(photograph, evidence, wanted);
    for (Model target = first; target < last; ++target)
      for (Model source = 0; source < cards_.size(); ++source)
        records.push_back(record_of(std::move(pairs[target - first][source]), sources[source],
                                    wanted[target - first][source], revealed[target - first][source]));
  } catch (const DataError& error) {
    records.clear();
    log::warning(image.id, ": ", error.what());
    for (Model target = first; target < last; ++target)
      for (Model source = 0; source < cards_.size(); ++source)
        records.push_back(failed_cross_record(pair_of(source, target), error.what()));
  }
  return records;
}

/// `revealed`: f_c at t = 1 .. T-1, if the pair was tested.
Json CrosstestRun::record_of(CrossPair pair, const Source& source, bool tested,
                             const std::vector<double>& revealed) const {
  constexpr auto not_finite = "the model gives logits that are not finite (NaN or infinity) for ";
  if (!pair.predicted) return failed_cross_record(pair, cat(not_finite, "this image or its baseline"));
  if (source.failure)
    return failed_cross_record(pair, cat("no map of model ", pair.source, ": ", *source.failure));
  if (source.problem) return undefined_cross_record(pair, source.problem);
  if (!tested) return cross_record(pair);
  if (std::any_of(revealed.begin(), revealed.end(), [](double p) { return std::isnan(p); }))
    return failed_cross_record(pair, cat(not_finite, "a masked version of this image"));
  std::vector<double> f = {*pair.f_baseline};
  f.insert(f.end(), revealed.begin(), revealed.end());
  f.push_back(*pair.f_full);
  pair.curve = make_curve(options_.saliency.curve, cells(), Direction::insertion, f);
  return cross_record(pair);
}

CrosstestRun::Source CrosstestRun::source_of(Model source, const ImageEntry& image) const {
  const Json record = maps_[source]->record(image.id);
  Source result{.target = image.label};
  if (!record.is_null() && record.at("status") == "error") {
    result.failure = record.at("reason");
    return result;
  }
  if (record.is_null() || record.at("status") != "ok") {
    result.problem = "no-map";
    return result;
  }
  if (!data_.labelled()) result.target = record.at("predicted");
  if (record.at("target") != *result.target) {
    result.problem = "map-target";
    return result;
  }
  const auto file = maps_[source]->folder() / record.at("map").get<std::string>();
  result.map = read_npy(file).values;
  require<DataError>(result.map.size() == static_cast<std::size_t>(cells()), file.string(), " does not have ",
                     cells(), " cells; make the maps again");
  require<DataError>(
      std::all_of(result.map.begin(), result.map.end(), [](float v) { return std::isfinite(v); }),
      file.string(), " has values that are not finite; make the maps again");
  return result;
}

cv::Mat CrosstestRun::read(const ImageEntry& image) const {
  return read_image(image.path, options_.saliency.input.max_pixels);
}

int CrosstestRun::cells() const {
  return options_.saliency.igos.size * options_.saliency.igos.size;
}

bool CrosstestRun::complete() const {
  return folder_.done_count() == static_cast<long>(tested_.size() * cards_.size() * cards_.size());
}

/// Of images whose prediction some model does not have: they cannot be read, most often.
long CrosstestRun::unknown_images() const {
  long count = 0;
  for (std::size_t i = 0; i < data_.images.size(); ++i) count += !all_know(on_image_, i);
  return count;
}

ExitCode CrosstestRun::conclude() {
  if (!complete() || (interrupted() && unknown_images() > 0)) {
    log_.write("stopped");
    log::warning("stopped: ", folder_.done_count(), " pairs of an image and two models are saved in ",
                 folder_.path().string(), "; run the same command again to go on");
    return stopped;
  }
  const Json summary = summarise();
  log_.info.counts = summary["pairs"].get<std::map<std::string, long>>();
  log_.write("done");
  const ExitCode code = report(summary);
  log::info("results: ", folder_.path().string());
  const long errors = log_.info.counts["error"], unknown = unknown_images();
  if (errors + unknown == 0) return code;
  log::warning(unknown, " images have no predictions (warnings say why), ", errors,
               " pairs no test (results.jsonl says why); running again tries them again");
  return code == done ? some_images_failed : code;
}

/// Says what came out, keeps it, and holds it against the baseline, as the options ask.
ExitCode CrosstestRun::report(const Json& summary) const {
  if (!options_.saliency.app.quiet) std::cout << matrix_table(summary);
  if (!options_.write_baseline.empty()) {
    write_file_atomically(options_.write_baseline,
                          to_text(gate_baseline(summary, conditions(), std::string(version())), 2) + "\n");
    log::info("baseline: ", options_.write_baseline.string());
  }
  if (baseline_.is_null()) return done;
  const GateReport gate = compare(baseline_, summary, options_.tolerance);
  std::cout << gate.table;
  return gate.passed ? done : gate_failed;
}

/// Brings the records into order and writes everything that is made of them.
Json CrosstestRun::summarise() {
  std::vector<RunFolder::Key> keys;
  for (const std::size_t image : tested_)
    for (const ModelCard& source : cards_)
      for (const ModelCard& target : cards_)
        keys.push_back({data_.images[image].id, source.name, target.name});
  folder_.finish(keys);

  std::vector<CrossModel> models;
  for (const ModelCard& card : cards_) models.push_back({card.name, card.family, card.sha256});
  CrossSummary summary(models, {.steps = options_.saliency.curve.steps,
                                .min_gap = options_.saliency.curve.min_gap,
                                .method = std::string(name(options_.saliency.method)),
                                .size = options_.saliency.igos.size,
                                .images = options_.images,
                                .predicted_images = static_cast<long>(data_.images.size())});
  const std::size_t pairs = cards_.size() * cards_.size();
  const std::size_t drawn = options_.pictures < 0
                                ? tested_.size()
                                : std::min(tested_.size(), static_cast<std::size_t>(options_.pictures));
  std::vector<Json> of_image;
  std::size_t row = 0;
  folder_.for_each_record([&](const Json& record) {
    summary.add(record);
    if (row == drawn) return;
    of_image.push_back(record);
    if (of_image.size() < pairs) return;
    draw(row++, of_image);
    of_image.clear();
  });
  if (data_.labelled()) {
    std::vector<std::span<const float>> probabilities;
    for (const PredictionTable& table : on_image_) probabilities.push_back(table.values());
    std::vector<int> labels;
    for (const ImageEntry& image : data_.images) labels.push_back(*image.label);
    summary.set_ensembles(count_ensembles(probabilities, labels, cards_.front().classes));
  }
  Json document = summary.to_json(options_.saliency.output.seed);
  folder_.write_file("summary.json", to_text(document, 2) + "\n");
  folder_.write_file("summary.csv", summary_csv(document));
  folder_.write_file("matrix.csv", matrix_csv(document));
  folder_.write_file("family_matrix.csv", family_matrix_csv(document));
  folder_.write_file("asymmetry.csv", asymmetry_csv(document));
  folder_.write_file("landscape.csv", landscape_csv(document));
  if (data_.labelled()) folder_.write_file("ensemble.csv", ensemble_csv(document));
  return document;
}

/// The figure of a cross-tested image from its records.
void CrosstestRun::draw(std::size_t row, std::span<const Json> records) const try {
  const ImageEntry& image = data_.images[tested_[row]];
  const cv::Mat photograph = read(image);
  const CurveOptions& curve = options_.saliency.curve;
  const auto t = static_cast<std::size_t>(std::lround(options_.reveal / 100 * curve.steps));
  CrossFigure figure{.image = image.id,
                     .size = options_.saliency.igos.size,
                     .revealed = curve_counts(curve, cells())[t],
                     .mask = options_.saliency.perturbation.mask,
                     .rows = {}};
  for (Model m = 0; m < cards_.size(); ++m) {
    const Source source = source_of(m, image);
    CrossRow line{.model = cards_[m].name, .photograph = to_image(preprocess(photograph, cards_[m]))};
    if (source.target) line.class_name = cards_[m].class_name(*source.target);
    if (source.failure)
      line.why_no_map = "The map of this model failed.";
    else if (source.problem)
      line.why_no_map = source.problem == std::string_view("no-map") ? "This model has no map of the image."
                                                                     : "The map explains another class.";
    else
      line.map = source.map;
    for (const Json& record : records.subspan(m * cards_.size(), cards_.size())) {
      const auto number = [&](const char* field) {
        return record[field].is_null() ? std::optional<double>() : record[field].get<double>();
      };
      CrossBar bar{
          .model = record["target_model"], .f_full = number("f_full"), .f_baseline = number("f_baseline")};
      if (!record["curve"].empty())
        bar.posterior = *bar.f_baseline + record["curve"][t].get<double>() * (*bar.f_full - *bar.f_baseline);
      line.targets.push_back(std::move(bar));
    }
    figure.rows.push_back(std::move(line));
  }
  folder_.write_file(picture_path(image.id), encode_png(cross_picture(figure)));
} catch (const DataError& error) {
  log::debug(error.what());  // as the image's records do
}

/// What must be equal for two runs to be compared by the gate.
Json CrosstestRun::conditions() const {
  Json conditions = options_.identity();
  for (const char* other : {"max_pixels", "precision", "images", "seed"}) conditions.erase(other);
  conditions.update({{"images_rule", name(options_.images)},
                     {"class", data_.labelled() ? "label" : "predicted"},
                     {"data", data_identity(data_)}});
  return conditions;
}

}  // namespace xai::tools
