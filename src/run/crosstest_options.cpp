#include <cmath>

#include "cross_subject.hpp"

namespace xai {

void describe(OptionTable& table, CrosstestRunOptions& options) {
  table.group("Input");
  table.add("models", options.models, "TorchScript models NAME.pt with their cards NAME.json beside them")
      .with_effect(Effect::none);  // their hashes are compared
  describe_images(table, options.input);
  table
      .add("cross_images", options.cross_images,
           "Cross-test so many of the images, evenly spread over the data set; 0 = all. Predictions and "
           "ensembles "
           "use all")
      .at_least(0);
  table
      .add("mses", options.mses,
           "Finished runs of xai-mse, one of each model: every model is shown their MSEs, and no map")
      .with_effect(Effect::none);  // their records are compared
  table
      .add("maps", options.maps,
           "Finished runs of xai-saliency whose maps are used; models without one get their maps made in the "
           "run "
           "folder")
      .with_effect(Effect::none);  // their records are compared
  describe(table, options.perturbation);
  const auto sets = [&options] { return options.shows_sets(); };
  const auto maps = [&options] { return !options.shows_sets(); };
  table.when(maps);
  describe_method(table, options.making);
  table.when([&options] { return !options.shows_sets() && options.maps.size() < options.models.size(); });
  describe_constants(table, options.making);
  table.when({});

  table.group("Cross-testing", maps);
  table.add("steps", options.curve.steps, "Steps of an insertion curve").at_least(1);
  table.group("Cross-testing", sets);
  table
      .add("sets", options.sets,
           "MSEs of a model and image that are shown at most: the smallest, then a random draw of the others")
      .at_least(1);
  table.group("Cross-testing");
  table
      .add("min_gap", options.curve.min_gap,
           "A pair is undefined where image and baseline differ by less probability")
      .above_up_to(0, 1);
  table.add("images", options.images,
            "Means are over images for which every pair is defined, or over each pair's own");

  table.group("Regression gate", maps);
  table.add("compare", options.compare, "Exit with 4 where the run differs from this baseline")
      .with_effect(Effect::none);
  table
      .add("tolerance", options.tolerance,
           "by more than this: 0.002 for the same maps, about 0.02 for maps made anew")
      .at_least(0)
      .with_effect(Effect::none);
  table
      .add("write_baseline", options.write_baseline,
           "Write the run's numbers to this file, for a later comparison")
      .with_effect(Effect::none);

  describe(table, options.compute);
  table.add("models_in_memory", options.models_in_memory, "At most so many models at a time; 0 = all")
      .at_least(0)
      .with_effect(Effect::none);
  describe(table, options.output);
  table.add("pictures", options.pictures, "Draw the first N cross-tested images; 0 = none")
      .at_least(-1)
      .with_word("all", -1)
      .with_effect(Effect::none);
  table.group("Output", maps);
  table.add("reveal", options.reveal, "Pictures show this percentage of each map's cells")
      .from_to(0, 100)
      .with_effect(Effect::none);
}

void CrosstestRunOptions::validate() const {
  validate_described(*this);
  require(!models.empty(), "'models' is needed: TorchScript files NAME.pt from xai-export");
  require_path(input.data.data, "data", "a folder or list of images");
  require_path(output.out, "out", "the folder to write results to");
  const auto folder = write_baseline.has_parent_path() ? write_baseline.parent_path() : ".";
  require(std::filesystem::is_directory(folder), "'write_baseline': there is no folder ", folder.string());
  require(maps.empty() || !shows_sets(), "'maps' and 'mses': a run shows either; make two runs");
  require(!shows_sets() || (compare.empty() && write_baseline.empty()),
          "'compare' and 'write_baseline' are of the AUCs of maps; leave them out with 'mses'");
  making.validate();
  if (!shows_sets()) curve.validate(making.size * making.size);
  plan(compute, true);
}

}  // namespace xai
