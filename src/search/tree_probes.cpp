#include <cmath>
#include <limits>
#include <unordered_set>

#include "counted_sets.hpp"
#include "xai/core/error.hpp"
#include "xai/search/sub_explanations.hpp"

namespace xai {
namespace {

using internal::CountedSets;
using internal::for_each_child;

/// A random walk from a root to a set without children that count.
struct Probe {
  std::vector<PatchSet> choices;  // sets that count, of which one comes next
  double weight = 1;              // choices there were so far, multiplied
  double tree_nodes = 0;          // the weights of the sets on the way, added
};

/// Mean and standard error of the mean.
void describe(const std::vector<Probe>& probes, TreeEstimate& estimate) {
  const auto n = static_cast<double>(probes.size());
  for (const Probe& probe : probes) estimate.tree_nodes += probe.tree_nodes / n;
  double squares = 0;
  for (const Probe& probe : probes) squares += std::pow(probe.tree_nodes - estimate.tree_nodes, 2);
  estimate.standard_error =
      n > 1 ? std::sqrt(squares / (n - 1) / n) : std::numeric_limits<double>::quiet_NaN();
}

Task<TreeEstimate> estimate(Scorer& scorer, std::vector<PatchSet> roots, SubExplanationOptions options,
                            Random random) {
  CountedSets counted(scorer, options.node_threshold, options.grid * options.grid);
  co_await counted.open();
  co_await counted.evaluate(roots);
  std::erase_if(roots, [&](const PatchSet& root) { return !counted.counts(root); });
  std::vector<Probe> probes(static_cast<std::size_t>(options.probes));
  for (Probe& probe : probes) probe.choices = roots;

  std::unordered_set<PatchSet> asked(roots.begin(), roots.end());
  for (bool walking = !roots.empty(); walking;) {
    std::vector<PatchSet> question;
    for (Probe& probe : probes) {
      if (probe.choices.empty()) continue;
      const PatchSet here = probe.choices[random.index(probe.choices.size())];
      probe.weight *= static_cast<double>(probe.choices.size());
      probe.tree_nodes += probe.weight;
      probe.choices.clear();
      for_each_child(here, [&](const PatchSet& child) {
        probe.choices.push_back(child);
        if (asked.insert(child).second) question.push_back(child);
      });
    }
    co_await counted.evaluate(question);
    walking = false;
    for (Probe& probe : probes) {
      std::erase_if(probe.choices, [&](const PatchSet& child) { return !counted.counts(child); });
      walking |= !probe.choices.empty();
    }
  }

  TreeEstimate result;
  describe(probes, result);
  result.evaluations = counted.evaluations();
  result.saved = counted.saved();
  result.near_ties = counted.near_ties();
  co_return result;
}

}  // namespace

Task<TreeEstimate> estimate_tree_nodes(Scorer& scorer, std::vector<PatchSet> roots,
                                       SubExplanationOptions options, Random random) {
  options.validate();
  require(options.probes >= 1, "'probe' must be at least 1 for an estimate, not ", options.probes);
  return estimate(scorer, std::move(roots), options, std::move(random));
}

}  // namespace xai
