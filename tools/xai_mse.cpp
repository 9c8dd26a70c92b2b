// xai-mse: the minimal sufficient explanations of every image of a data set (SPEC 4).
#include "common/image_run.hpp"
#include "mse_analysis.hpp"
#include "mse_options.hpp"
#include "xai/core/error.hpp"
#include "xai/core/log.hpp"
#include "xai/report/summary.hpp"

namespace xai::tools {
namespace {

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

ExitCode run(const MseToolOptions& options, const std::vector<std::string>& command) {
  options.validate();
  ImageRun run({.tool = "xai-mse",
                .command = command,
                .input = options.input,
                .compute = options.compute,
                .output = options.output,
                .identity = options.identity(),
                .options = options.resolved(),
                .quiet = options.app.quiet});
  const bool labelled = run.data().labelled();
  require(labelled || !options.only_correct, "--only-correct needs labels: class folders or --labels");
  require(labelled || options.target != Target::label,
          "--target label needs labels: class folders or --labels");
  if (run.finished()) {
    log::info("nothing to do: ", run.folder().path().string(), " has every image (--overwrite starts anew)");
    return done;
  }

  Background writer;
  MseAnalysis analysis(options, run.data(), run.todo(), run.card(), run.folder(), writer);
  run.analyse(analysis, {.grid = options.mse.grid, .mask = options.perturbation.mask}, writer);

  MseSummary summary;
  if (run.complete()) run.sort_records();
  run.folder().for_each_record([&](const Json& record) { summary.add(record); });
  const Json numbers = summary.to_json(options.output.seed);
  if (run.complete()) {
    run.folder().write_file("summary.json", to_text(numbers, 2) + "\n");
    run.folder().write_file("summary.csv", summary_csv(numbers));
    log_accuracy(numbers["top1"]);
  }
  const auto counts = numbers["statuses"].get<std::map<std::string, long>>();
  run.close(counts);
  if (!run.complete()) return stopped;
  if (counts.at("error") == 0) return done;
  log::warning(counts.at("error"),
               " images could not be analysed: results.jsonl says why; running again tries them again");
  return some_images_failed;
}

}  // namespace
}  // namespace xai::tools

int main(int argc, char** argv) {
  CLI::App app(
      "Find the minimal sufficient explanations (MSEs) of a classifier's decisions: sets of image patches "
      "that alone\n"
      "keep 90 % of the probability of its prediction, and no part of which does.",
      "xai-mse");
  app.footer(
      "Example: xai-mse --model models/efficientnet_lite0.pt --data photos --out runs/first\n"
      "Exit codes: 0 done; 1 failed; 2 bad usage, configuration, data set or model; 3 done, but some images "
      "failed;\n"
      "75 stopped by a signal after saving: run again to go on.");
  xai::tools::MseToolOptions options;
  options.add_to(app);
  return xai::tools::run_app(app, argc, argv, options.app, [&] {
    return xai::tools::run(options, {argv, argv + argc});
  });
}
