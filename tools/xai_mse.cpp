// xai-mse: the minimal sufficient explanations of every image of a data set (SPEC 4).
#include "common/image_run.hpp"
#include "mse_analysis.hpp"
#include "mse_options.hpp"
#include "xai/record/summary.hpp"

namespace xai::tools {
namespace {

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
  options.target.check(run.data());
  if (run.nothing_to_do()) return done;

  Background writer;
  MseAnalysis analysis(options, run, writer);
  run.analyse(analysis, {.grid = options.mse.grid, .mask = options.perturbation.mask}, writer);

  MseSummary summary;
  run.for_each_record([&](const Json& record) { summary.add(record); });
  return run.conclude(summary.to_json(options.output.seed));
}

}  // namespace
}  // namespace xai::tools

int main(int argc, char** argv) {
  CLI::App app(
      "Find the minimal sufficient explanations (MSEs) of a classifier's decisions: sets of image patches "
      "that alone\n"
      "keep 90 % of the probability of its prediction, and no part of which does.",
      "xai-mse");
  app.footer("Example: xai-mse --model models/efficientnet_lite0.pt --data photos --out runs/first");
  xai::tools::MseToolOptions options;
  options.add_to(app);
  return xai::tools::run_app(app, argc, argv, options.app, [&] {
    return xai::tools::run(options, {argv, argv + argc});
  });
}
