#include "xai/run/crosstest.hpp"

#include "cross_figures.hpp"
#include "cross_pass.hpp"
#include "cross_plan.hpp"
#include "xai/core/file.hpp"
#include "xai/core/log.hpp"
#include "xai/core/memory.hpp"
#include "xai/core/version.hpp"
#include "xai/record/kinds.hpp"

namespace xai {
namespace {

using Model = CrossSubject::Model;

Json identity_of(const CrossSubject& subject, const EvidenceSource& evidence) {
  const char* kind = subject.options.shows_sets() ? "mses" : "maps";
  Json models = Json::object();
  std::string order;
  for (Model m = 0; m < subject.cards.size(); ++m) {
    models[subject.cards[m].name] = {{"sha256", subject.cards[m].sha256}, {kind, evidence.identity(m)}};
    order += (m > 0 ? " " : "") + subject.cards[m].name;
  }
  Json identity = {{"tool", crosstest_kind().tool},
                   {"models", models},
                   {"order", order},
                   {"data", data_identity(subject.data)},
                   {"options", values_of(subject.options).identity}};
  if (!subject.shard.whole()) identity["shard"] = shard_identity(subject.shard);
  return identity;
}

Json model_records(const CrossSubject& subject) {
  Json models = Json::array();
  for (const ModelCard& card : subject.cards) models.push_back(model_record(card));
  return models;
}

/// One session of a run of cross-testing.
class CrossRun {
 public:
  CrossRun(const CrosstestRunOptions& options, RunObserver& observer, const OpenModel& open)
      : options_(options),
        observer_(observer),
        plan_(plan(options.compute, !options.output.dry_run)),
        subject_(open_subject(options)),
        evidence_(open_evidence(subject_)),
        baseline_(options.compare.empty()
                      ? Json()
                      : read_baseline(options.compare, subject_.conditions(), subject_.names())),
        folder_(crosstest_kind(), options.output.out, identity_of(subject_, *evidence_),
                options.output.overwrite, options.output.dry_run ? RunAccess::look : RunAccess::write),
        log_(folder_, crosstest_kind(), options.output, values_of(options).all, model_records(subject_),
             data_record(options.input.data, subject_.data, subject_.shard, subject_.images()),
             subject_.cards.front()),
        predictions_(folder_, subject_),
        pool_(models(), plan_, open, options.models_in_memory) {
    log_.info.platform = platform_record(plan_);
    log_.info.tuning = pool_.tunings();
  }

  CrosstestResult run() {
    if (options_.output.dry_run) return planned();
    const bool finished = this->finished();
    if (finished) {
      log::info("nothing to do: ", folder_.path().string(), " has every pair ('overwrite' starts anew)");
      const Json& drawn = folder_.previous_run().at("options");
      const Json wanted = values_of(options_).all;
      if (drawn.at("pictures") == options_.pictures && field(drawn, "reveal") == field(wanted, "reveal"))
        return report(Json::parse(read_file(folder_.path() / "summary.json")));
    }
    CrosstestResult result;
    log_.write("running");
    log_.guard([&] {
      const bool made = evidence_->make_missing(pool_, observer_);
      if (made && !finished) test_all();
      log_.info.tuning = pool_.tunings();
      const bool unpredicted = stopped_ && predictions_.unknown_images() > 0;
      result = made && complete() && !unpredicted ? conclude() : stopped_result();
    });
    return result;
  }

 private:
  std::vector<ModelPool::Entry> models() const {
    const Json tunings = field(folder_.previous_run(), "tuning");
    std::vector<ModelPool::Entry> models;
    for (Model m = 0; m < subject_.cards.size(); ++m)
      models.push_back({.card = subject_.cards[m],
                        .needs = evidence_->needs(m),
                        .tuning = field(tunings, subject_.cards[m].name.c_str())});
    return models;
  }

  CrosstestResult planned() {
    CrosstestResult result;
    result.complete = true;
    result.folder = folder_.path();
    const long images = subject_.images();
    result.plan =
        RunPlan{.tool = crosstest_kind().tool,
                .folder = folder_.path(),
                .start = finished() ? "done" : start_of(folder_),
                .data = planned_data(options_.input.data, subject_.data, subject_.shard, subject_.images()),
                .images = images,
                .done = finished() ? images : 0,
                .platform = planned_platform(plan_)};
    if (!finished()) {
      RunPlan& plan = *result.plan;
      evidence_->plan_missing(pool_, observer_, plan);
      const CrossPlan cross = plan_cross_tests(subject_, *evidence_, predictions_, folder_, pool_, plan_);
      plan.done = images - cross.images;
      plan.bytes += cross.bytes;
      plan.parts.insert(plan.parts.end(), cross.parts.begin(), cross.parts.end());
      plan.peak_memory_bytes = peak_memory_bytes();
    }
    return result;
  }

  /// As many models at a time as memory may hold.
  void test_all() {
    const std::size_t count = subject_.cards.size();
    const std::size_t most = options_.models_in_memory > 0 ? options_.models_in_memory : count;
    for (Model first = 0; first < count && !stopped_; first += most)
      test(first, std::min(first + most, count));
  }

  void test(Model first, Model last) {
    std::vector<std::shared_ptr<Classifier>> models;
    std::vector<Classifier*> pointers;
    for (Model m = first; m < last; ++m) pointers.push_back(models.emplace_back(pool_.get(m)).get());
    log_.info.tuning = pool_.tunings();
    compare_with_shards_beside(folder_, log_.info.tuning);
    log_.write("running");
    const CrossTester tester(pointers, {.baseline = options_.perturbation.baseline,
                                        .mask = options_.perturbation.mask,
                                        .batch_size = plan_.batch_size});
    stopped_ = !CrossPass(subject_, *evidence_, predictions_, folder_, tester, first, last)
                    .run(plan_.lanes, plan_.batch_size, observer_);
    log_.info.forward += tester.forward();
  }

  /// An earlier session did everything, pictures apart.
  bool finished() const {
    return field(folder_.previous_run(), "status") == "done" && complete() &&
           predictions_.unknown_images() == 0 && std::filesystem::exists(folder_.path() / "summary.json");
  }

  bool complete() const {
    const std::size_t models = subject_.cards.size();
    return folder_.done_count() == static_cast<long>(subject_.tests() * models * models);
  }

  CrosstestResult stopped_result() {
    log_.write("stopped");
    log::warning("stopped: ", folder_.done_count(), " pairs of an image and two models are saved in ",
                 folder_.path().string(), "; run the same command again to go on");
    CrosstestResult result;
    result.folder = folder_.path();
    return result;
  }

  CrosstestResult conclude() {
    const Json summary = summarise();
    log_.info.counts = summary["pairs"].get<std::map<std::string, long>>();
    log_.write("done");
    CrosstestResult result = report(summary);
    log::info("results: ", folder_.path().string());
    result.unknown_images = predictions_.unknown_images();
    result.errors = log_.info.counts["error"] + result.unknown_images;
    if (result.errors > 0)
      log::warning(result.unknown_images, " images have no predictions (warnings say why), ",
                   log_.info.counts["error"],
                   " pairs no test (results.jsonl says why); running again tries them again");
    return result;
  }

  /// Keeps what came out, and holds it against the baseline, as the options ask.
  CrosstestResult report(const Json& summary) const {
    CrosstestResult result;
    result.complete = true;
    result.summary = summary;
    result.folder = folder_.path();
    if (!options_.write_baseline.empty()) {
      const Json baseline = gate_baseline(summary, subject_.conditions(), std::string(version()));
      write_file_atomically(options_.write_baseline, to_text(baseline, 2) + "\n");
      log::info("baseline: ", options_.write_baseline.string());
    }
    if (!baseline_.is_null()) result.gate = compare(baseline_, summary, options_.tolerance);
    return result;
  }

  /// Brings the records into order, draws, and writes everything that is made of them.
  Json summarise() {
    std::vector<std::size_t> rows;
    std::vector<std::string> images;
    for (std::size_t row = 0; row < subject_.tested.size(); ++row)
      if (subject_.shard.has(row)) {
        rows.push_back(row);
        images.push_back(subject_.image(row).id);
      }
    std::vector<RunFolder::Key> pairs;
    for (const ModelCard& source : subject_.cards)
      for (const ModelCard& target : subject_.cards) pairs.push_back({source.name, target.name});
    folder_.finish(images, pairs);

    const auto summary = crosstest_kind().summary(to_json(log_.info));
    std::vector<Json> of_image;
    auto row = rows.begin();
    folder_.for_each_record([&](const Json& record) {
      summary->add(record);
      if (cross_picture_of(subject_, *row).empty()) return;
      of_image.push_back(record);
      if (of_image.size() < pairs.size()) return;
      draw_cross_figure(subject_, *evidence_, folder_, *row++, of_image);
      of_image.clear();
    });
    summary->add_files(folder_.path());
    const Json document = summary->to_json();
    write_summary(folder_, *summary, document);
    return document;
  }

  const CrosstestRunOptions& options_;
  RunObserver& observer_;
  const ComputePlan plan_;
  const CrossSubject subject_;
  const std::unique_ptr<EvidenceSource> evidence_;
  const Json baseline_;  ///< to compare with; null without
  RunFolder folder_;
  RunLog log_;
  Predictions predictions_;
  ModelPool pool_;
  bool stopped_ = false;  ///< by the observer
};

}  // namespace

CrosstestResult run_crosstest(const CrosstestRunOptions& options, RunObserver& observer,
                              const OpenModel& open) {
  options.validate();
  return CrossRun(options, observer, open).run();
}

}  // namespace xai
