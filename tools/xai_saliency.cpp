// xai-saliency: maps of what matters to a classifier's decisions, and how well they do (SPEC 6, 7).
#include <algorithm>

#include "common/image_run.hpp"
#include "saliency_analysis.hpp"
#include "saliency_options.hpp"
#include "xai/core/error.hpp"
#include "xai/report/summary.hpp"

namespace xai::tools {
namespace {

/// Everything that must be equal for a run to go on; of the model's parts for Grad-CAM, too.
Json identity(const SaliencyToolOptions& options) {
  Json identity = options.identity();
  if (options.method != SaliencyMethod::gradcam) return identity;
  if (const auto parts = read_model_card(options.input.model).gradcam)
    identity["gradcam"] = {{"features_sha256", parts->features_sha256}, {"head_sha256", parts->head_sha256}};
  return identity;
}

ExitCode run(const SaliencyToolOptions& options, const std::vector<std::string>& command) {
  options.validate();
  ImageRun run({.tool = "xai-saliency",
                .command = command,
                .input = options.input,
                .compute = options.compute,
                .output = options.output,
                .identity = identity(options),
                .options = options.resolved(),
                .quiet = options.app.quiet,
                .gradients = options.optimises()});
  options.target.check(run.data());
  const int side = std::min(run.card().height, run.card().width);
  require(options.igos.size <= side, "--size must be at most ", side,
          ", the pixels of the model's input, not ", options.igos.size);
  if (run.nothing_to_do()) return done;

  Background writer;
  SaliencyAnalysis analysis(options, run, writer);
  run.analyse(analysis, {.grid = options.igos.size, .mask = options.perturbation.mask}, writer);

  SaliencySummary summary(analysis.setting());
  run.for_each_record([&](const Json& record) { summary.add(record); });
  return run.conclude(summary.to_json(options.output.seed));
}

}  // namespace
}  // namespace xai::tools

int main(int argc, char** argv) {
  CLI::App app(
      "Make a saliency map of every image of a data set, by optimised masks (iGOS++ and its relatives),\n"
      "Grad-CAM or RISE, and measure it by insertion and deletion on the model that it explains.",
      "xai-saliency");
  app.footer("Example: xai-saliency --model models/efficientnet_lite0.pt --data photos --out runs/maps");
  xai::tools::SaliencyToolOptions options;
  options.add_to(app);
  return xai::tools::run_app(app, argc, argv, options.app, [&] {
    return xai::tools::run(options, {argv, argv + argc});
  });
}
