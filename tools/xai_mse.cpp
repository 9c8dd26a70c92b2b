// xai-mse: the minimal sufficient explanations of every image of a data set (SPEC 4).
#include "mse_analysis.hpp"
#include "mse_options.hpp"
#include "xai/core/error.hpp"
#include "xai/core/hash.hpp"
#include "xai/core/interrupt.hpp"
#include "xai/core/log.hpp"
#include "xai/core/progress.hpp"
#include "xai/core/version.hpp"
#include "xai/report/run_info.hpp"
#include "xai/report/summary.hpp"

namespace xai::tools {
namespace {

using Clock = std::chrono::steady_clock;

DataSet open_data(const MseToolOptions& options, const ModelCard& card) {
  DataSet data = open_data_set(options.input.data, card.class_list.ids);
  for (const std::string& warning : data.warnings) log::warning(warning);
  for (const ImageEntry& image : data.images)
    require(!image.label || *image.label < card.classes, "image ", image.id, " has label ",
            image.label.value_or(0), ", but model ", card.name, " has only ", card.classes, " classes");
  require(data.labelled() || !options.only_correct, "--only-correct needs labels: class folders or --labels");
  require(data.labelled() || options.target != Target::label,
          "--target label needs labels: class folders or --labels");
  return data;
}

/// Says what share of the images the model gets right, and whether that looks like a mistake in the labels.
void log_accuracy(const Json& top1) {
  const long n = top1["n"], correct = top1["count"];
  if (n == 0) return;
  log::info("top-1: ", correct, " of ", n, " labelled images are predicted right");
  if (n >= 10 && correct * 10 < n)
    log::warning("only ", correct, " of ", n,
                 " predictions equal their labels: are the labels in the model's class order? (the ILSVRC "
                 "devkit numbers "
                 "classes differently)");
}

ExitCode run(const MseToolOptions& options, const std::vector<std::string>& command) {
  options.validate();
  const ModelCard card = read_model_card(card_path(options.input.model));
  const DataSet data = open_data(options, card);
  RunFolder folder(options.output.out,
                   {{"tool", "xai-mse"},
                    {"model", card.sha256},
                    {"data", {{"sha256", data.sha256}, {"count", data.images.size()}}},
                    {"options", options.identity()}},
                   options.output.overwrite);
  const Json previous = folder.previous_run();

  std::vector<std::size_t> todo;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < data.images.size(); ++i) {
    ids.push_back(data.images[i].id);
    if (!folder.done(ids.back())) todo.push_back(i);
  }
  if (todo.empty() && previous.is_object() && previous.value("status", "") == "done") {
    log::info("nothing to do: ", options.output.out.string(), " has all ", ids.size(),
              " images (--overwrite starts anew)");
    return done;
  }
  if (folder.done_count() > 0)
    log::info("going on: ", folder.done_count(), " of ", ids.size(), " images are done");

  const auto classifier = options.compute.open(
      options.input.model, previous.is_object() ? previous.value("tuning", Json()) : Json());
  const int batch_size = options.compute.resolved_batch_size(classifier->device());
  EngineOptions engine_options{.grid = options.mse.grid,
                               .mask = options.perturbation.mask,
                               .batch_size = batch_size,
                               .images_in_flight = options.compute.resolved_images_in_flight(batch_size)};

  RunInfo info{
      .tool = "xai-mse",
      .tool_version = std::string(version()),
      .git_commit = std::string(git_commit()),
      .command = command,
      .options = options.resolved(),
      .model = {{"path", options.input.model.string()}, {"sha256", card.sha256}, {"card", card.document}},
      .data = {{"path", options.input.data.data.string()},
               {"layout", data.layout},
               {"count", data.images.size()},
               {"sha256", data.sha256}},
      .platform = options.compute.platform_record(classifier->device()),
      .tuning = options.compute.tuning_record(*classifier),
      .seed = options.output.seed};
  info.platform["batch_size"] = batch_size;
  info.platform["images_in_flight"] = engine_options.images_in_flight;
  folder.write_run(to_json(info, previous));

  const auto start = Clock::now();
  auto last_write = start;
  const long already_done = folder.done_count();
  EngineReport report;
  {
    Progress progress("xai-mse", static_cast<long>(ids.size()), !options.app.quiet, already_done);
    Background writer;
    MseAnalysis analysis(options, data, todo, classifier->card(), folder, writer);
    report = Engine(*classifier, engine_options).run(todo.size(), analysis, [&](const EngineReport& now) {
      progress.update(already_done + static_cast<long>(now.images), now.rows);
      info.forward = now.rows;
      info.seconds = std::chrono::duration<double>(Clock::now() - start).count();
      if (Clock::now() - last_write > std::chrono::minutes(1)) {
        folder.write_run(to_json(info, previous));
        last_write = Clock::now();
      }
      return !interrupted();
    });
    writer.finish();
    progress.finish();
  }

  const bool complete = folder.done_count() == static_cast<long>(ids.size());
  MseSummary summary;
  if (complete) folder.finish(ids);
  folder.for_each_record([&](const Json& record) { summary.add(record); });
  const Json summary_json = summary.to_json(options.output.seed);
  for (const auto& [status, count] : summary_json["statuses"].items()) info.counts[status] = count;
  if (complete) {
    folder.write_file("summary.json", to_text(summary_json, 2) + "\n");
    folder.write_file("summary.csv", summary_csv(summary_json));
  }
  info.status = complete ? "done" : "stopped";
  info.forward = report.rows;
  info.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  folder.write_run(to_json(info, previous));

  if (!complete) {
    log::warning("stopped: ", folder.done_count(), " of ", ids.size(), " images are saved in ",
                 options.output.out.string(), "; run the same command again to go on");
    return stopped;
  }
  log_accuracy(summary_json["top1"]);
  const long errors = info.counts["error"];
  if (errors > 0)
    log::warning(errors, " of ", ids.size(),
                 " images could not be analysed; results.jsonl says why, running again tries them again");
  log::info("results: ", options.output.out.string());
  return errors > 0 ? some_images_failed : done;
}

}  // namespace
}  // namespace xai::tools

int main(int argc, char** argv) {
  CLI::App app(
      "Find the minimal sufficient explanations (MSEs) of a classifier's decisions: the smallest sets of "
      "image\n"
      "patches that alone keep 90 % of the probability of its prediction.",
      "xai-mse");
  app.footer(
      "Example: xai-mse --model models/efficientnet_lite0.pt --data photos --out runs/first\n"
      "Exit codes: 0 done; 1 failed; 2 bad usage, configuration or model; 3 done, some images failed;\n"
      "75 stopped by a signal after saving: run again to go on.");
  xai::tools::MseToolOptions options;
  options.add_to(app);
  return xai::tools::run_app(app, argc, argv, options.app, [&] {
    return xai::tools::run(options, {argv, argv + argc});
  });
}
