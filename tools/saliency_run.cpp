#include "saliency_run.hpp"

#include "common/image_run.hpp"
#include "saliency_analysis.hpp"
#include "xai/record/summary.hpp"

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

}  // namespace

ExitCode run_saliency(const SaliencyToolOptions& options, const std::vector<std::string>& command) {
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
  options.check(run.card());
  if (run.nothing_to_do()) return done;

  Background writer;
  SaliencyAnalysis analysis(options, run, writer);
  run.analyse(analysis, {.grid = options.igos.size, .mask = options.perturbation.mask}, writer);

  SaliencySummary summary(analysis.setting());
  run.for_each_record([&](const Json& record) { summary.add(record); });
  return run.conclude(summary.to_json(options.output.seed));
}

}  // namespace xai::tools
