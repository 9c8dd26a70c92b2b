#include "common/image_run.hpp"

#include <chrono>

#include "xai/core/error.hpp"
#include "xai/core/interrupt.hpp"
#include "xai/core/log.hpp"
#include "xai/core/progress.hpp"
#include "xai/core/version.hpp"
#include "xai/record/summary.hpp"

namespace xai::tools {
namespace {

using Clock = std::chrono::steady_clock;

Json identity_of(const std::string& tool, const ModelCard& card, const DataSet& data, const Json& options) {
  return {{"tool", tool}, {"model", card.sha256}, {"data", data_identity(data)}, {"options", options}};
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

Json field(const Json& object, const char* name) {
  return object.is_object() ? object.value(name, Json()) : Json();
}

}  // namespace

DataSet open_data(const DataSetOptions& options, const ModelCard& card) {
  DataSet data = open_data_set(options, card.class_list.ids);
  for (const std::string& warning : data.warnings) log::warning(warning);
  for (const ImageEntry& image : data.images)
    require(!image.label || *image.label < card.classes, "image ", image.id, " has label ",
            image.label.value_or(0), ", but model ", card.name, " has only ", card.classes, " classes");
  return data;
}

Json model_record(const std::filesystem::path& path, const ModelCard& card) {
  return {{"path", path.string()}, {"sha256", card.sha256}, {"card", card.document}};
}

Json data_record(const DataSetOptions& options, const DataSet& data) {
  return {{"path", options.data.string()},
          {"layout", data.layout},
          {"count", data.images.size()},
          {"sha256", data.sha256}};
}

Json data_identity(const DataSet& data) {
  return {{"sha256", data.sha256}, {"count", data.images.size()}};
}

ImageRun::ImageRun(Setup setup)
    : setup_(std::move(setup)),
      card_(read_model_card(setup_.input.model)),
      data_(open_data(setup_.input.data, card_)),
      folder_(setup_.output.out, identity_of(setup_.tool, card_, data_, setup_.identity),
              setup_.output.overwrite),
      log_(folder_) {
  for (std::size_t i = 0; i < data_.images.size(); ++i)
    if (!folder_.done({data_.images[i].id})) todo_.push_back(i);
  if (folder_.done_count() > 0 && !finished())
    log::info("going on: ", folder_.done_count(), " of ", data_.images.size(), " images are done");
}

void ImageRun::settle(const std::function<Json(const std::string& image)>& known) {
  std::erase_if(todo_, [&](std::size_t i) {
    const Json record = known(data_.images[i].id);
    if (!record.is_null()) folder_.append(record);
    return !record.is_null();
  });
}

bool ImageRun::finished() const {
  return todo_.empty() && field(folder_.previous_run(), "status") == "done";
}

bool ImageRun::nothing_to_do() const {
  if (finished())
    log::info("nothing to do: ", folder_.path().string(), " has every image (--overwrite starts anew)");
  return finished();
}

void ImageRun::analyse(Analysis& analysis, EngineOptions engine_options, Background& writer) {
  const auto classifier =
      setup_.compute.open(setup_.input.model, field(folder_.previous_run(), "tuning"), setup_.gradients);
  engine_options = setup_.compute.engine_options(engine_options, classifier->device());

  log_.info = {.tool = setup_.tool,
               .tool_version = std::string(version()),
               .git_commit = std::string(git_commit()),
               .command = setup_.command,
               .options = setup_.options,
               .model = model_record(setup_.input.model, card_),
               .data = data_record(setup_.input.data, data_),
               .platform = setup_.compute.platform_record(classifier->device()),
               .tuning = setup_.compute.tuning_record(*classifier),
               .seed = setup_.output.seed};
  log_.info.platform["threads"] = engine_options.lanes;
  log_.info.platform["batch_size"] = engine_options.batch_size;
  log_.info.platform["images_in_flight"] = engine_options.images_in_flight;
  log_.write("running");

  log_.guard([&] {
    const long already_done = folder_.done_count();
    Progress progress(setup_.tool, static_cast<long>(data_.images.size()), !setup_.quiet, already_done);
    auto next_write = Clock::now() + std::chrono::minutes(1);
    const auto report_progress = [&](const EngineReport& now) {
      progress.update(already_done + static_cast<long>(now.images), now.rows);
      log_.info.forward = now.rows;
      log_.info.backward = now.backward;
      if (Clock::now() > next_write) {
        log_.write("running");
        next_write = Clock::now() + std::chrono::minutes(1);
      }
      return !interrupted();
    };
    report_progress(Engine(*classifier, engine_options).run(todo_.size(), analysis, report_progress));
    writer.finish();
  });
}

void ImageRun::for_each_record(const std::function<void(const Json&)>& use) {
  std::vector<RunFolder::Key> keys;
  for (const ImageEntry& image : data_.images) keys.push_back({image.id});
  if (complete()) folder_.finish(keys);
  folder_.for_each_record(use);
}

ExitCode ImageRun::conclude(const Json& summary) {
  if (complete()) {
    folder_.write_file("summary.json", to_text(summary, 2) + "\n");
    folder_.write_file("summary.csv", summary_csv(summary));
    log_accuracy(summary["top1"]);
  }
  log_.info.counts = summary["statuses"].get<std::map<std::string, long>>();
  log_.write(complete() ? "done" : "stopped");
  if (!complete()) {
    log::warning("stopped: ", folder_.done_count(), " of ", data_.images.size(), " images are saved in ",
                 folder_.path().string(), "; run the same command again to go on");
    return stopped;
  }
  log::info("results: ", folder_.path().string());
  const long errors = log_.info.counts["error"];
  if (errors == 0) return done;
  log::warning(errors,
               " images could not be analysed: results.jsonl says why; running again tries them again");
  return some_images_failed;
}

}  // namespace xai::tools
