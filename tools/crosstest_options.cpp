#include "crosstest_options.hpp"

#include <cmath>

#include "xai/core/error.hpp"

namespace xai::tools {
namespace {

Json names(const std::vector<std::filesystem::path>& paths) {
  Json result = Json::array();
  for (const auto& path : paths) result.push_back(path.string());
  return result;
}

}  // namespace

void CrosstestToolOptions::add_to(CLI::App& cli) {
  cli.add_option("--models", models, "TorchScript models NAME.pt with their cards NAME.json beside them")
      ->group("Input");
  saliency.input.add_images_to(cli);
  cli.add_option(
         "--cross-images", cross_images,
         "Cross-test so many of the images, evenly spread over the data set; 0 = all. Predictions and "
         "ensembles use all")
      ->group("Input")
      ->capture_default_str();
  cli.add_option(
         "--maps", maps,
         "Finished runs of xai-saliency whose maps are used; models without one get their maps made in "
         "the run folder")
      ->group("Input");
  saliency.perturbation.add_to(cli);
  saliency.MapOptions::add_to(cli);

  const auto test = "Cross-testing";
  cli.add_option("--steps", saliency.curve.steps, "Steps of an insertion curve")
      ->group(test)
      ->capture_default_str();
  cli.add_option("--min-gap", saliency.curve.min_gap,
                 "A pair is undefined where image and baseline differ by less probability")
      ->group(test)
      ->capture_default_str();
  add_choice(cli, "--images", images, {ImagesRule::common, ImagesRule::pairwise},
             "Means are over images for which every pair is defined, or over each pair's own")
      ->group(test);

  const auto gate = "Regression gate";
  cli.add_option("--compare", compare, "Exit with 4 where the run differs from this baseline")->group(gate);
  cli.add_option("--tolerance", tolerance,
                 "by more than this: 0.002 for the same maps, about 0.02 for maps made anew")
      ->group(gate)
      ->capture_default_str();
  cli.add_option("--write-baseline", write_baseline, "Write the run's numbers to this file, for --compare")
      ->group(gate);

  saliency.compute.add_to(cli);
  cli.add_option("--models-in-memory", models_in_memory, "At most so many models at a time; 0 = all")
      ->group(cli.get_option("--threads")->get_group())
      ->capture_default_str();
  saliency.output.add_to(cli);
  cli.add_option("--pictures", pictures, "Draw the first N cross-tested images; -1 = all, 0 = none")
      ->group("Output")
      ->capture_default_str();
  cli.add_option("--reveal", reveal, "Pictures show this percentage of each map's cells")
      ->group("Output")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
}

void CrosstestToolOptions::validate() const {
  require(!models.empty(), "--models is needed: TorchScript files NAME.pt from scripts/export_models.py");
  require_path(saliency.input.data.data, "--data", "a folder or list of images");
  require_path(saliency.output.out, "--out", "the folder to write results to");
  require(cross_images >= 0, "--cross-images must be at least 0, not ", cross_images);
  require(models_in_memory >= 0, "--models-in-memory must be at least 0, not ", models_in_memory);
  require(pictures >= -1, "--pictures must be at least -1, not ", pictures);
  require(tolerance >= 0 && std::isfinite(tolerance), "--tolerance must be at least 0, not ", tolerance);
  const auto folder = write_baseline.has_parent_path() ? write_baseline.parent_path() : ".";
  require(std::filesystem::is_directory(folder), "--write-baseline: there is no folder ", folder.string());
  saliency.compute.engine_options({}, parse_device(saliency.compute.device)).validate();
  map_run(models.front(), "model", false).validate();
}

SaliencyToolOptions CrosstestToolOptions::map_run(const std::filesystem::path& model, const std::string& name,
                                                  bool labelled) const {
  SaliencyToolOptions run = saliency;
  run.input.model = model;
  run.input.data.spread = cross_images;
  run.target.target = labelled ? Target::label : Target::predicted;
  run.output.out /= std::filesystem::path("saliency") / name;
  run.pictures = 0;
  return run;
}

Json CrosstestToolOptions::identity() const {
  return {{"cross_images", cross_images},
          {"max_pixels", saliency.input.max_pixels},
          {"baseline", name(saliency.perturbation.baseline)},
          {"mask", name(saliency.perturbation.mask)},
          {"method", name(saliency.method)},
          {"size", saliency.igos.size},
          {"steps", saliency.curve.steps},
          {"min_gap", saliency.curve.min_gap},
          {"images", name(images)},
          {"precision", name(saliency.compute.precision)},
          {"seed", saliency.output.seed}};
}

Json CrosstestToolOptions::resolved() const {
  Json options = saliency.resolved();
  for (const char* other :
       {"model", "preprocess_dump", "metric", "target", "only_correct", "min_probability"})
    options.erase(other);
  options.update({{"models", names(models)},
                  {"maps", names(maps)},
                  {"cross_images", cross_images},
                  {"models_in_memory", models_in_memory},
                  {"images", name(images)},
                  {"pictures", pictures},
                  {"reveal", reveal},
                  {"compare", compare.string()},
                  {"tolerance", tolerance},
                  {"write_baseline", write_baseline.string()}});
  return options;
}

}  // namespace xai::tools
