#include "xai/saliency/igos.hpp"
#include "xai/saliency/rise.hpp"

namespace xai {

void describe(OptionTable& table, IgosOptions& options) {
  table.add("iterations", options.iterations, "Steps of the optimiser")
      .at_least(1)
      .with_effect(Effect::records);
  const auto number = [&](const char* key, double& field, const char* help) -> Option& {
    return table.add(key, field, help).with_effect(Effect::records);
  };
  table.add("points", options.points, "Integration points of each term")
      .at_least(1)
      .with_effect(Effect::records);
  table
      .add("path", options.path, "Integration points: right (k/n) or stratified (one at random in each n-th)")
      .with_effect(Effect::records);
  number("noise", options.noise, "Standard deviation of the noise on normalised pixels").at_least(0);
  table
      .add("noise_sharing", options.sharing,
           "One draw of noise for each row (none), or for all terms at an integration point (terms)")
      .with_effect(Effect::records);
  number("l1", options.l1, "Weight of the hidden share").at_least(0);
  number("l2", options.l2, "Weight of the (bilateral) total variation").at_least(0);
  number("sigma", options.sigma, "Sigma of the bilateral weights").above(0);
  table.add("optimiser", options.optimiser, "line-search, nag (Nesterov) or adam")
      .with_effect(Effect::records);
  table.add("map_of", options.map, "The map shows the masks of the last step, or the mean over the steps")
      .with_effect(Effect::records);
  number("rate", options.rate, "Adam: step").above(0);
  number("beta1", options.beta1, "Adam: memory of the gradient").from_below(0, 1);
  number("beta2", options.beta2, "Adam: memory of its square").from_below(0, 1);
  table
      .add("scale", options.scale,
           "Adam: the scale of the gradient is each cell's own (cell), or one for a mask")
      .with_effect(Effect::records);
  number("epsilon", options.epsilon, "Adam: added to the scale of the gradient").above(0);
  number("alpha", options.alpha, "Line search: first step; NAG: the step").above(0);
  number("decay", options.decay, "Line search: a failing step is shortened to this share").between(0, 1);
  number("armijo", options.armijo, "Line search: share of the expected descent that is asked for")
      .at_least(0);
  number("min_step", options.min_step, "Line search: the first step below is taken as it is").above(0);
}

void IgosOptions::validate() const {
  require(size >= 2, "'size' must be at least 2, not ", size);
  validate_described(*this);
}

void describe(OptionTable& table, RiseOptions& options) {
  table.add("rise_masks", options.masks, "Random masks").at_least(1).with_effect(Effect::records);
  table.add("rise_cells", options.cells, "Coin flips a side of a random mask")
      .at_least(2)
      .with_effect(Effect::records);
  table.add("rise_visible", options.visible, "Probability of a cell to be visible")
      .between(0, 1)
      .with_effect(Effect::records);
}

void RiseOptions::validate() const {
  require(size >= 2, "'size' must be at least 2, not ", size);
  validate_described(*this);
  require(cells <= size, "'rise_cells' must be from 2 to ", size, " ('size'), not ", cells);
}

}  // namespace xai
