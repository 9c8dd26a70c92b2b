// xai-subexp: the sub-explanations of every image of a data set (SPEC 5).
#include <algorithm>
#include <iostream>
#include <optional>

#include "common/image_run.hpp"
#include "subexp_analysis.hpp"
#include "subexp_options.hpp"
#include "xai/core/error.hpp"
#include "xai/record/sub_explanation_summary.hpp"

namespace xai::tools {
namespace {

ExitCode print_table(const SubexpToolOptions& options) {
  std::vector<FinishedRun> runs;
  for (const std::string& folder : options.table) runs.emplace_back(folder, "xai-subexp");
  std::cout << sub_explanation_table(runs, options.format);
  return done;
}

/// Throws UsageError unless MSEs that this run would find are those of the earlier run.
void check_likeness(const FinishedRun& earlier, const ImageRun& run, const SubexpToolOptions& options) {
  const auto of = [](const Json& model, const Json& data, const Json& search) {
    return Json{{"model", model}, {"data", data}, {"options", search}};
  };
  const Json& there = earlier.run().at("identity");
  const auto difference = first_difference(
      of(there.at("model"), there.at("data"), there.at("options")),
      of(run.card().sha256, data_identity(run.data()), options.SearchOptions::identity()), "");
  require(!difference, "--mses ", earlier.folder().string(),
          " is of another model, other data or other options: ", difference.value_or(""),
          "; leave out what differs, or --mses to search anew");
}

void check_graph_images(const SubexpToolOptions& options, const DataSet& data) {
  for (const std::string& name : options.graph_images)
    require(std::any_of(data.images.begin(), data.images.end(),
                        [&](const ImageEntry& image) { return image.id == name; }),
            "--graph-image ", name, " is not in ", options.input.data.data.string(),
            "; name an image as results.jsonl does");
}

/// The record of an image that the earlier run did not search; null for the others.
Json settled_record(const FinishedRun& earlier, const std::string& image, const SubexpToolOptions& options) {
  Json record = earlier.record(image);
  require(!record.is_null(), earlier.folder().string(), " has no record of ", image, "; run xai-mse again");
  if (record.at("status") == "ok") return Json();
  record["picture"] = nullptr;  // it is in the other folder
  return sub_explanation_record(record, options.sub_explanations(), {});
}

ExitCode run(CLI::App& app, SubexpToolOptions& options, const std::vector<std::string>& command) {
  if (!options.table.empty()) return print_table(options);
  std::erase(options.graph_images, "");  // how a configuration file says "none"
  std::optional<FinishedRun> earlier;
  if (!options.mses.empty()) {
    earlier.emplace(options.mses, "xai-mse");
    options.take_from(app, *earlier);
  }
  const FinishedRun* const source = earlier ? &*earlier : nullptr;
  options.validate();
  ImageRun run({.tool = "xai-subexp",
                .command = command,
                .input = options.input,
                .compute = options.compute,
                .output = options.output,
                .identity = options.identity(source),
                .options = options.resolved(),
                .quiet = options.app.quiet});
  options.target.check(run.data());
  check_graph_images(options, run.data());
  if (earlier) check_likeness(*earlier, run, options);
  if (run.nothing_to_do()) return done;
  if (earlier) run.settle([&](const std::string& image) { return settled_record(*earlier, image, options); });

  Background writer;
  SubexpAnalysis analysis(options, source, run, writer);
  run.analyse(analysis, {.grid = options.mse.grid, .mask = options.perturbation.mask}, writer);

  SubExplanationSummary summary;
  run.for_each_record([&](const Json& record) { summary.add(record); });
  return run.conclude(summary.to_json(options.output.seed));
}

}  // namespace
}  // namespace xai::tools

int main(int argc, char** argv) {
  CLI::App app(
      "Count the sub-explanations of a classifier's decisions: the sets that keep half of the probability "
      "when "
      "patches\n"
      "are taken away one by one from the minimal sufficient explanations (MSEs), and draw how they hang "
      "together.",
      "xai-subexp");
  app.footer(
      "Examples: xai-subexp --model models/efficientnet_lite0.pt --data photos --out runs/counted\n"
      "          xai-subexp --mses runs/first --out runs/counted --graphs 3\n"
      "          xai-subexp --table runs/one_model runs/another");
  xai::tools::SubexpToolOptions options;
  options.add_to(app);
  return xai::tools::run_app(app, argc, argv, options.app, [&] {
    return xai::tools::run(app, options, {argv, argv + argc});
  });
}
