#include "xai/run/image_run.hpp"

#include <map>
#include <mutex>

#include "rehearsal.hpp"
#include "xai/core/file.hpp"
#include "xai/core/log.hpp"
#include "xai/core/memory.hpp"
#include "xai/core/random.hpp"
#include "xai/data/image.hpp"
#include "xai/model/preprocess.hpp"
#include "xai/store/file_name.hpp"
#include "xai/store/npy.hpp"

namespace xai {
namespace {

Json identity_of(const RunKind& kind, const ModelCard& card, const DataSet& data, const Shard& shard,
                 const ImageRun::Setup& setup) {
  Json identity = {{"tool", kind.tool},
                   {"model", card.sha256},
                   {"data", data_identity(data)},
                   {"options", setup.options.identity}};
  if (!shard.whole()) identity["shard"] = shard_identity(shard);
  if (setup.further_identity) identity.update(setup.further_identity(card));
  return identity;
}

/// Says what share of the images the model gets right, and whether that looks like a mistake in the labels.
void log_accuracy(const Json& top1) {
  const long labelled = top1["n"], correct = top1["count"];
  if (labelled == 0) return;
  log::info("top-1: ", correct, " of ", labelled, " labelled images are predicted right");
  if (labelled >= 10 && correct * 10 < labelled)
    log::warning(
        "hardly any prediction equals its label: are the labels in the model's class order? (the ILSVRC "
        "devkit "
        "numbers classes differently)");
}

ModelCard read_card(const InputOptions& options) {
  ModelCard card = read_model_card(options.model);
  require_expected(options, {&card, 1});
  return card;
}

/// The run folder, once the options fit the data set.
const std::filesystem::path& checked(const ImageRunOptions& options, const DataSet& data) {
  options.target.check(data);
  return options.output.out;
}

void dump(const std::filesystem::path& file, const at::Tensor& image) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) throw io_error("create folder", file.parent_path(), error.value());
  write_file_atomically(file, encode_npy({image.data_ptr<float>(), static_cast<std::size_t>(image.numel())},
                                         image.sizes().vec()));
}

}  // namespace

ImageRun::ImageRun(const RunKind& kind, const ImageRunOptions& options, Setup setup, RunObserver& observer)
    : kind_(kind),
      options_(options),
      setup_(std::move(setup)),
      observer_(observer),
      shard_(options.input.share.shard()),
      plan_(plan(options.compute, !options.output.dry_run)),
      card_(read_card(options.input)),
      target_(options.target.choose(card_)),
      data_(open_data(options.input.data, card_)),
      folder_(kind, checked(options, data_), identity_of(kind, card_, data_, shard_, setup_),
              options.output.overwrite, options.output.dry_run ? RunAccess::look : RunAccess::write),
      log_(folder_, kind, options.output, setup_.options.all, model_record(card_),
           data_record(options.input.data, data_, shard_, images()), card_) {
  for (std::size_t i = 0; i < data_.images.size(); ++i)
    if (shard_.has(i) && !folder_.done({data_.images[i].id})) todo_.push_back(i);
  finished_ = todo_.empty() && field(folder_.previous_run(), "status") == "done" &&
              std::filesystem::exists(folder_.path() / "summary.json");
  const bool interrupted = field(folder_.previous_run(), "status") == "interrupted";
  if ((folder_.done_count() > 0 || interrupted) && !finished())
    log::info("going on", interrupted ? " after an interruption" : "", ": ", folder_.done_count(), " of ",
              images(), " images are done");
}

void ImageRun::settle(const std::function<Json(const std::string& image)>& known) {
  std::erase_if(todo_, [&](std::size_t i) {
    const Json record = known(data_.images[i].id);
    if (!record.is_null()) folder_.append(record);
    return !record.is_null();
  });
}

RunResult ImageRun::finished_result() const {
  log::info("nothing to do: ", folder_.path().string(), " has every image ('overwrite' starts anew)");
  return {true, 0, Json::parse(read_file(folder_.path() / "summary.json")), folder_.path()};
}

RunResult ImageRun::analyse(ImageAnalysis& analysis, const EngineOptions& shape) {
  if (options_.output.dry_run) return plan_of(analysis, shape);
  if (finished()) return finished_result();
  const Json earlier_tuning = field(folder_.previous_run(), "tuning");
  const auto classifier = open_model(card_, plan_, setup_.open, earlier_tuning,
                                     {.gradients = setup_.gradients, .features = setup_.features});
  log_.info.platform = platform_record(plan_);
  log_.info.tuning = classifier->tuning();
  compare_with_shards_beside(folder_, log_.info.tuning);
  log_.write("running");
  log_.guard([&] { run_engine(analysis, *classifier, engine_options(shape, plan_)); });
  return conclude();
}

RunResult ImageRun::plan_of(ImageAnalysis& analysis, const EngineOptions& shape) {
  RunPlan plan{.tool = kind_.tool,
               .folder = folder_.path(),
               .start = finished() ? "done" : start_of(folder_),
               .data = planned_data(options_.input.data, data_, shard_, images()),
               .images = images(),
               .done = images() - static_cast<long>(todo_.size()),
               .platform = planned_platform(plan_)};
  if (!todo_.empty()) {
    std::int64_t bytes = folder_.counted_bytes();  // of settled images
    plan.parts.push_back(measured(analysis, shape, bytes));
    plan.bytes = bytes;
  }
  plan.peak_memory_bytes = peak_memory_bytes();
  return {.complete = true, .folder = folder_.path(), .plan = std::move(plan)};
}

/// What is to do, and how fast that goes; `bytes` grows by what the results take.
PlannedPart ImageRun::measured(ImageAnalysis& analysis, const EngineOptions& shape, std::int64_t& bytes) {
  const auto classifier = open_model(card_, plan_, setup_.open, field(folder_.previous_run(), "tuning"),
                                     {.gradients = setup_.gradients, .features = setup_.features});
  const EngineOptions options = engine_options(shape, plan_);
  PlannedPart part{.tool = kind_.tool, .model = card_.name, .images = static_cast<long>(todo_.size())};
  for (std::size_t i = 0; i < todo_.size(); ++i) part.most += analysis.most_rows(i);
  std::map<std::size_t, LoadedImage> loaded;
  std::mutex mutex;
  const Sample sample = read_sample(
      todo_.size(), options.prefetch,
      [&](std::size_t i) {
        LoadedImage image = analysis.load(i);
        const std::lock_guard lock(mutex);
        loaded[i] = std::move(image);
      },
      [&](std::size_t i, const std::exception& error) {
        log::warning(data_.images[todo_[i]].id, ": ", error.what());
      });
  part.read_seconds = sample.seconds;
  std::vector<LoadedImage> photographs;
  for (const std::size_t i : sample.indices) photographs.push_back(loaded[i]);
  const std::optional<Want> backward = setup_.gradients  ? std::optional(Want::gradient)
                                       : setup_.features ? std::optional(Want::features)
                                                         : std::nullopt;
  part.speed = measure_speed(*classifier, options, photographs, backward);
  if (!photographs.empty()) bytes += bytes_of(analysis, photographs.front());
  return part;
}

/// Of all results that are to come: with made-up ones, once with a drawing and once without.
std::int64_t ImageRun::bytes_of(ImageAnalysis& analysis, const LoadedImage& photograph) {
  std::int64_t bytes = 0;
  for (const bool drawn : {true, false}) {
    long count = 0;
    std::size_t example = 0;
    for (std::size_t i = 0; i < todo_.size(); ++i)
      if (analysis.draws(i) == drawn && ++count == 1) example = i;
    if (count == 0) continue;
    const std::int64_t before = folder_.counted_bytes();
    writer_.emplace();
    analysis.rehearse(example, photograph);
    writer_->finish();
    writer_.reset();
    bytes += count * (folder_.counted_bytes() - before);
  }
  return bytes;
}

void ImageRun::run_engine(ImageAnalysis& analysis, Classifier& classifier, const EngineOptions& options) {
  const long already_done = folder_.done_count();
  const auto report = [&](const EngineReport& now) {
    log_.info.forward = now.rows;
    log_.info.backward = now.backward;
    log_.keep_fresh();
    return observer_.progress({.what = kind_.tool,
                               .done = already_done + static_cast<long>(now.images),
                               .already_done = already_done,
                               .total = images(),
                               .evaluations = now.rows});
  };
  writer_.emplace();
  try {
    report(Engine(classifier, options).run(todo_.size(), analysis, report));
    writer_->finish();
  } catch (...) {
    writer_.reset();  // does what was posted: the analysis is still there
    throw;
  }
  writer_.reset();
}

RunResult ImageRun::conclude() {
  std::vector<std::string> in_order;
  for (std::size_t i = 0; i < data_.images.size(); ++i)
    if (shard_.has(i)) in_order.push_back(data_.images[i].id);
  if (complete()) folder_.finish(in_order);
  const auto summary = kind_.summary(to_json(log_.info));
  folder_.for_each_record([&](const Json& record) { summary->add(record); });
  const Json document = summary->to_json();
  log_.info.counts = document["statuses"].get<std::map<std::string, long>>();
  if (!complete()) {
    log_.write("stopped");
    log::warning("stopped: ", folder_.done_count(), " of ", images(), " images are saved in ",
                 folder_.path().string(), "; run the same command again to go on");
    return {false, log_.info.counts["error"], Json(), folder_.path()};
  }
  write_summary(folder_, *summary, document);
  log_accuracy(document["top1"]);
  log_.write("done");
  log::info("results: ", folder_.path().string());
  const long errors = log_.info.counts["error"];
  if (errors > 0)
    log::warning(errors,
                 " images could not be analysed: results.jsonl says why; running again tries them again");
  return {true, errors, document, folder_.path()};
}

LoadedImage ImageAnalysis::load(std::size_t index) {
  loaded_[index].since = Stopwatch();
  const ImageRunOptions& options = run_.options();
  const Photograph photograph = read_photograph(entry(index).source, options.input.max_pixels);
  loaded_[index].content = photograph.content;
  const at::Tensor image = preprocess(photograph.rgb, run_.card());
  if (!options.preprocess_dump.empty() && !options.output.dry_run)
    dump(options.preprocess_dump / file_name_of(entry(index).id, ".npy"), image);
  const ChosenTarget& chosen = run_.target_;
  return {image, make_baseline(image, options.perturbation.baseline, run_.card().mean),
          chosen.target == Target::one_class ? chosen.index : entry(index).label};
}

Task<void> ImageAnalysis::analyse(std::size_t index, ImageInFlight& image) {
  const TargetOptions& options = run_.options().target;
  const Prediction& intact = image.prediction();
  ImageFacts facts = facts_of(index);
  facts.predicted = intact.predicted;
  facts.target = target_of(intact, facts.label);
  facts.p_full = intact.of(*facts.target);
  const bool wrong = options.only_correct && facts.predicted != facts.label;
  if (may_skip() && (wrong || *facts.p_full < options.min_probability)) {
    write_blank(index, facts, "skipped", wrong ? "wrong" : "low-probability");
    co_return;
  }
  co_await explain(index, std::move(facts), image);
}

void ImageAnalysis::rehearse(std::size_t index, const LoadedImage& photograph) {
  Random random(0, "an invented image");
  ImageFacts facts = facts_of(index);
  facts.content = std::string(64, '0');
  facts.predicted = facts.target = 0;
  facts.p_full = random.uniform();
  facts.p_baseline = random.uniform();
  invent(index, std::move(facts), photograph);
}

int ImageAnalysis::target_of(const Prediction& intact, std::optional<int> label) const {
  switch (run_.target_.target) {
    case Target::predicted:
      return intact.predicted;
    case Target::second:
      return intact.second;
    case Target::label:
      return label.value();
    case Target::one_class:
      break;
  }
  return run_.target_.index;
}

bool ImageAnalysis::near_tie(const ImageInFlight& image) const {
  const Prediction& intact = image.prediction();
  return intact.near_tie || (run_.target_.target == Target::second && intact.near_tie_of_second);
}

void ImageAnalysis::failed(std::size_t index, const std::exception& error) {
  const ImageFacts facts = facts_of(index);
  log::warning(facts.image, ": ", error.what());
  write_blank(index, facts, "error", error.what());
}

ImageFacts ImageAnalysis::facts_of(std::size_t index) const {
  ImageFacts facts;
  facts.image = entry(index).id;
  facts.content = loaded_[index].content;
  facts.label = entry(index).label;
  return facts;
}

void ImageAnalysis::write(std::size_t index, ImageFacts facts,
                          std::function<Json(const ImageFacts&)> make_record) {
  facts.seconds = loaded_[index].since.seconds();
  std::string().swap(loaded_[index].content);  // it is in the facts: memory is for images in flight
  write_behind([this, facts = std::move(facts), make_record = std::move(make_record)] {
    run_.folder_.append(make_record(facts));
  });
}

void ImageAnalysis::write_blank(std::size_t index, const ImageFacts& facts, std::string_view status,
                                std::string reason) {
  write(index, facts, [this, status, reason = std::move(reason)](const ImageFacts& f) {
    return blank_record(f, status, reason);
  });
}

}  // namespace xai
