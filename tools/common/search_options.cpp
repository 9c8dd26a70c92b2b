#include "common/search_options.hpp"

#include "xai/core/error.hpp"

namespace xai::tools {

void SearchOptions::add_to(CLI::App& cli) {
  input.add_to(cli);
  target.add_to(cli);
  perturbation.add_to(cli);

  const auto search = "Search";
  cli.add_option("--grid", mse.grid, "Patches a side, 2 to 16")->group(search)->capture_default_str();
  cli.add_option("--threshold", mse.threshold,
                 "A set is sufficient if it keeps this share of the probability")
      ->group(search)
      ->capture_default_str();
  add_choice(cli, "--search", mse.search, {SearchKind::beam, SearchKind::exhaustive},
             "beam, or exhaustive: every subset, for grids up to 4")
      ->group(search);
  cli.add_option("--beam-width", mse.beam_width, "States of a level that are extended in one sweep")
      ->group(search)
      ->capture_default_str();
  cli.add_option("--extensions", mse.extensions, "Extend a state by its best N patches only; 0 = by all")
      ->group(search)
      ->capture_default_str();
  cli.add_option("--sweeps", mse.sweeps,
                 "Times the beam is widened; 0 = as the budget allows, 1 = the plain beam search")
      ->group(search)
      ->capture_default_str();
  add_choice(cli, "--reduce", mse.reduce, {Reduce::greedy, Reduce::all},
             "From a sufficient set to minimal ones: greedy, or all below it")
      ->group(search);
  cli.add_option("--max-size", mse.max_size, "Patches of the largest set searched; 0 = no bound")
      ->group(search)
      ->capture_default_str();
  cli.add_option("--max-evaluations", mse.max_evaluations,
                 "Budget of one image: different masked versions shown to the model")
      ->group(search)
      ->capture_default_str();
  cli.add_option("--max-overlap", mse.max_overlap,
                 "Members of a diverse family share at most this many patches")
      ->group(search)
      ->capture_default_str();

  compute.add_to(cli);
  output.add_to(cli);
}

void SearchOptions::validate() const {
  require_path(input.model, "--model", "a TorchScript file NAME.pt from scripts/export_models.py");
  require_path(input.data.data, "--data", "a folder or list of images");
  require_path(output.out, "--out", "the folder to write results to");
  mse.validate();
  target.validate();
  require(input.max_pixels >= 1, "--max-pixels must be at least 1, not ", input.max_pixels);
}

Json SearchOptions::identity() const {
  return {{"max_pixels", input.max_pixels},
          {"baseline", name(perturbation.baseline)},
          {"mask", name(perturbation.mask)},
          {"grid", mse.grid},
          {"threshold", mse.threshold},
          {"target", name(target.target)},
          {"search", name(mse.search)},
          {"beam_width", mse.beam_width},
          {"extensions", mse.extensions},
          {"sweeps", mse.sweeps},
          {"reduce", name(mse.reduce)},
          {"max_size", mse.max_size},
          {"max_evaluations", mse.max_evaluations},
          {"max_overlap", mse.max_overlap},
          {"only_correct", target.only_correct},
          {"min_probability", target.min_probability},
          {"precision", name(compute.precision)},
          {"seed", output.seed}};
}

Json SearchOptions::resolved() const {
  Json options = identity();
  options.update(input.resolved());
  options.update(compute.resolved());
  options.update(output.resolved());
  return options;
}

}  // namespace xai::tools
