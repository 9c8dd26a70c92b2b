#include "xai/search/mse.hpp"
#include "xai/search/sub_explanations.hpp"

namespace xai {

void describe(OptionTable& table, MseOptions& options) {
  table.group("Search");
  table.add("grid", options.grid, "Patches a side").from_to(2, 16);
  table.add("sufficient", options.sufficient,
            "What a set must keep: ratio = a share of the probability, top1 = the class, or both");
  table.add("threshold", options.threshold, "A set is sufficient if it keeps this share of the probability")
      .above_up_to(0, 1);
  table.add("search", options.search, "beam, or exhaustive: every subset, for grids up to 4");
  table.add("beam_width", options.beam_width, "States of a level that are extended in one sweep").at_least(1);
  table.add("extensions", options.extensions, "Extend a state by its best N patches only; 0 = by all")
      .at_least(0);
  table
      .add("sweeps", options.sweeps,
           "Times the beam is widened; 0 = as the budget allows, 1 = the plain beam search")
      .at_least(0);
  table.add("reduce", options.reduce, "From a sufficient set to minimal ones: greedy, or all below it");
  table.add("max_size", options.max_size, "Patches of the largest set searched; 0 = no bound").at_least(0);
  table
      .add("max_evaluations", options.max_evaluations,
           "Budget of one image: different masked versions shown to the model")
      .at_least(3);
  table.add("max_overlap", options.max_overlap, "Members of a diverse family share at most this many patches")
      .at_least(0);
}

void MseOptions::validate() const {
  validate_described(*this);
  require(search == SearchKind::beam || grid <= 4,
          "'grid' must be at most 4 for an exhaustive 'search', not ", grid);
}

void describe(OptionTable& table, SubExplanationOptions& options) {
  table.group("Sub-explanations");
  table
      .add("node_threshold", options.node_threshold, "A set counts if it keeps this share of the probability")
      .above_up_to(0, 1);
  table.add("max_nodes", options.max_nodes, "Sets of an image that are counted at most")
      .from_to(1, SubExplanationOptions::most_nodes);
  table
      .add("probe", options.probes,
           "Also estimate the number of deletion orders by this many random ones; 0 = do not")
      .at_least(0);
}

void SubExplanationOptions::validate() const {
  validate_described(*this);
  require(grid >= 2 && grid <= 16, "'grid' must be from 2 to 16, not ", grid);
}

}  // namespace xai
