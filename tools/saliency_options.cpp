#include "saliency_options.hpp"

#include <algorithm>

#include "xai/core/error.hpp"

namespace xai::tools {
namespace {

IgosMethod igos_method(SaliencyMethod method) {
  switch (method) {
    case SaliencyMethod::igos:
      return IgosMethod::igos;
    case SaliencyMethod::igos_plus:
      return IgosMethod::igos_plus;
    default:
      return IgosMethod::igos_plus_plus;
  }
}

}  // namespace

std::string_view name(SaliencyMethod method) {
  switch (method) {
    case SaliencyMethod::gradcam:
      return "gradcam";
    case SaliencyMethod::rise:
      return "rise";
    default:
      return name(igos_method(method));
  }
}

std::string_view name(Preset preset) {
  return preset == Preset::fast ? "fast" : "reference";
}

void SaliencyToolOptions::add_to(CLI::App& cli) {
  input.add_to(cli);
  target.add_to(cli);
  perturbation.add_to(cli);
  MapOptions::add_to(cli);

  const auto scores = "Scores";
  add_choice(cli, "--metric", curve.metric, {Metric::normalised, Metric::reference},
             "Insertion and deletion: normalised curves, or the score of the public iGOS++ code")
      ->group(scores);
  cli.add_option("--steps", curve.steps, "Steps of a normalised curve")->group(scores)->capture_default_str();
  cli.add_option("--min-gap", curve.min_gap,
                 "Normalised curves need this much probability between image and baseline")
      ->group(scores)
      ->capture_default_str();

  compute.add_to(cli);
  output.add_to(cli);
  cli.add_option("--pictures", pictures, "Draw the maps of the first N images; -1 = all, 0 = none")
      ->group("Output")
      ->capture_default_str();
}

void MapOptions::add_to(CLI::App& cli) {
  cli.parse_complete_callback([this] { resolve(); });
  const auto map = "Map";
  add_choice(cli, "--method", method,
             {SaliencyMethod::igos_plus_plus, SaliencyMethod::igos_plus, SaliencyMethod::igos,
              SaliencyMethod::gradcam, SaliencyMethod::rise},
             "How the map is made")
      ->group(map);
  cli.add_option("--size", igos.size, "Maps have this many cells a side")->group(map)->capture_default_str();
  add_igos_to(cli);

  const auto rise_group = "RISE";
  cli.add_option("--rise-masks", rise.masks, "Random masks")->group(rise_group)->capture_default_str();
  cli.add_option("--rise-cells", rise.cells, "Coin flips a side of a random mask")
      ->group(rise_group)
      ->capture_default_str();
  cli.add_option("--rise-visible", rise.visible, "Probability of a cell to be visible")
      ->group(rise_group)
      ->capture_default_str();
}

void MapOptions::add_igos_to(CLI::App& cli) {
  const auto group = "iGOS, iGOS+, iGOS++ (defaults: --preset fast)";
  add_choice(cli, "--preset", preset, {Preset::fast, Preset::reference},
             "Constants that are not given: fast, or those of the public code")
      ->group(group);
  const auto known = [this, group](CLI::Option* option, auto field) {
    option->group(group);
    unless_given_.push_back([this, option, field](const IgosOptions& values) {
      if (!option->empty()) return;
      igos.*field = values.*field;
      if constexpr (requires { name(igos.*field); })
        option->default_str(std::string(name(igos.*field)));
      else
        option->capture_default_str();
    });
  };
  const auto number = [&](const char* flag, auto field, const char* help) {
    known(cli.add_option(flag, igos.*field, help)->capture_default_str(), field);
  };
  const auto choice = [&](const char* flag, auto field, auto values, const char* help) {
    known(add_choice(cli, flag, igos.*field, values, help), field);
  };
  using I = IgosOptions;
  number("--iterations", &I::iterations, "Steps of the optimiser");
  number("--points", &I::points, "Integration points of each term");
  choice("--path", &I::path, std::vector{PathPoints::right, PathPoints::stratified},
         "Integration points: right (k/n) or stratified (one at random in each n-th)");
  number("--noise", &I::noise, "Standard deviation of the noise on normalised pixels");
  choice("--noise-sharing", &I::sharing, std::vector{NoiseSharing::none, NoiseSharing::terms},
         "One draw of noise for each row (none), or for all terms at an integration point (terms)");
  number("--l1", &I::l1, "Weight of the hidden share");
  number("--l2", &I::l2, "Weight of the (bilateral) total variation");
  number("--sigma", &I::sigma, "Sigma of the bilateral weights");
  choice("--optimiser", &I::optimiser, std::vector{Optimiser::line_search, Optimiser::nag, Optimiser::adam},
         "line-search, nag (Nesterov) or adam");
  choice("--map-of", &I::map, std::vector{MapOf::last, MapOf::mean},
         "The map shows the masks of the last step, or the mean over the steps");
  number("--rate", &I::rate, "Adam: step");
  number("--beta1", &I::beta1, "Adam: memory of the gradient");
  number("--beta2", &I::beta2, "Adam: memory of its square");
  choice("--scale", &I::scale, std::vector{GradientScale::cell, GradientScale::mask},
         "Adam: the scale of the gradient is each cell's own (cell), or one for a mask");
  number("--epsilon", &I::epsilon, "Adam: added to the scale of the gradient");
  number("--alpha", &I::alpha, "Line search: first step; NAG: the step");
  number("--decay", &I::decay, "Line search: a failing step is shortened to this share");
  number("--armijo", &I::armijo, "Line search: share of the expected descent that is asked for");
  number("--min-step", &I::min_step, "Line search: the first step below is taken as it is");
}

void MapOptions::resolve() {
  const IgosOptions values = preset == Preset::reference ? IgosOptions::reference() : IgosOptions();
  for (const auto& fill : unless_given_) fill(values);
  igos.method = igos_method(method);
  rise.size = igos.size;
}

void SaliencyToolOptions::validate() const {
  require_path(input.model, "--model", "a TorchScript file NAME.pt from scripts/export_models.py");
  require_path(input.data.data, "--data", "a folder or list of images");
  require_path(output.out, "--out", "the folder to write results to");
  target.validate();
  MapOptions::validate();
  curve.validate(igos.size * igos.size);
  require(input.max_pixels >= 1, "--max-pixels must be at least 1, not ", input.max_pixels);
  require(pictures >= -1, "--pictures must be at least -1, not ", pictures);
}

void MapOptions::validate() const {
  igos.validate();
  if (method == SaliencyMethod::rise) rise.validate();
}

void MapOptions::check(const ModelCard& card) const {
  const int side = std::min(card.height, card.width);
  require(igos.size <= side, "--size must be at most ", side, ", the pixels of the input of model ",
          card.name, ", not ", igos.size);
}

bool MapOptions::optimises() const {
  return method != SaliencyMethod::gradcam && method != SaliencyMethod::rise;
}

Json MapOptions::identity() const {
  Json options = {{"method", name(method)}, {"size", igos.size}};
  if (optimises())
    options.update({{"preset", name(preset)},
                    {"iterations", igos.iterations},
                    {"points", igos.points},
                    {"path", name(igos.path)},
                    {"noise", igos.noise},
                    {"noise_sharing", name(igos.sharing)},
                    {"l1", igos.l1},
                    {"l2", igos.l2},
                    {"sigma", igos.sigma},
                    {"optimiser", name(igos.optimiser)},
                    {"map_of", name(igos.map)},
                    {"rate", igos.rate},
                    {"beta1", igos.beta1},
                    {"beta2", igos.beta2},
                    {"scale", name(igos.scale)},
                    {"epsilon", igos.epsilon},
                    {"alpha", igos.alpha},
                    {"decay", igos.decay},
                    {"armijo", igos.armijo},
                    {"min_step", igos.min_step}});
  if (method == SaliencyMethod::rise)
    options.update({{"rise_masks", rise.masks}, {"rise_cells", rise.cells}, {"rise_visible", rise.visible}});
  return options;
}

Json SaliencyToolOptions::identity() const {
  Json options = {{"max_pixels", input.max_pixels},
                  {"baseline", name(perturbation.baseline)},
                  {"mask", name(perturbation.mask)},
                  {"metric", name(curve.metric)},
                  {"steps", curve.steps},
                  {"min_gap", curve.min_gap},
                  {"target", name(target.target)},
                  {"only_correct", target.only_correct},
                  {"min_probability", target.min_probability},
                  {"precision", name(compute.precision)},
                  {"seed", output.seed}};
  options.update(MapOptions::identity());
  return options;
}

Json SaliencyToolOptions::resolved() const {
  Json options = identity();
  options.update(input.resolved());
  options.update(compute.resolved());
  options.update(output.resolved());
  options["pictures"] = pictures;
  return options;
}

}  // namespace xai::tools
