#include "xai/search/sub_explanations.hpp"

#include <algorithm>
#include <functional>
#include <span>
#include <unordered_map>
#include <utility>

#include "counted_sets.hpp"
#include "xai/core/checkpoint.hpp"
#include "xai/core/error.hpp"

namespace xai {
namespace {

using internal::CountedSets;
using internal::for_each_child;

/// The sets that count, as the nodes 0, 1, ... of a graph whose edges take one patch away.
struct Dag {
  std::vector<SubExplanation> nodes;
  std::vector<int> first_child;  ///< of each node, in `children`; one more at the end
  std::vector<int> children;
  std::vector<char> cut;  ///< of each node: the bound left out a child that counts or may count

  std::span<const int> children_of(int node) const {
    return std::span(children).subspan(first_child[node], first_child[node + 1] - first_child[node]);
  }
};

/// Finds the sets that count, level by level.
class Expansion {
 public:
  Expansion(CountedSets& counted, long max_nodes) : counted_(counted), max_nodes_(max_nodes) {}

  Task<void> run(const std::vector<PatchSet>& roots) {
    std::vector<PatchSet> level;
    for (const PatchSet& root : roots) meet(root, level);
    while (!level.empty()) {
      co_await counted_.evaluate(level);
      const auto first = keep_strongest(level);
      level.clear();
      for (auto i = first; i < dag_.nodes.size() && room() > 0; ++i) {
        checkpoint();
        for_each_child(dag_.nodes[i].patches, [&](const PatchSet& child) { meet(child, level); });
      }
    }
    connect();
  }

  static constexpr int leaf = -1, left_out = -2;  ///< fates of sets that are no nodes
  /// The node that a root is, or why it is none.
  int fate(const PatchSet& root) const { return fates_.at(root); }
  Dag& dag() { return dag_; }

 private:
  long room() const { return max_nodes_ - static_cast<long>(dag_.nodes.size()); }

  void meet(const PatchSet& set, std::vector<PatchSet>& level) {
    if (fates_.try_emplace(set, leaf).second) level.push_back(set);
  }

  /// Makes nodes of the sets of an evaluated level that count, as far as there is room; gives the first one.
  std::size_t keep_strongest(const std::vector<PatchSet>& level) {
    std::vector<SubExplanation> strong;
    for (const PatchSet& set : level)
      if (counted_.counts(set)) strong.push_back({set, counted_.ratio(set)});
    std::sort(strong.begin(), strong.end(), [](const SubExplanation& a, const SubExplanation& b) {
      return a.ratio != b.ratio ? a.ratio > b.ratio : a.patches < b.patches;
    });
    const auto kept = std::min(strong.size(), static_cast<std::size_t>(room()));
    if (kept > 0 && kept < strong.size())
      counted_.note_choice(counted_.log_p(strong[kept - 1].patches), counted_.log_p(strong[kept].patches));
    const auto first = dag_.nodes.size();
    for (std::size_t i = 0; i < strong.size(); ++i) {
      fates_[strong[i].patches] = i < kept ? static_cast<int>(first + i) : left_out;
      if (i < kept) dag_.nodes.push_back(strong[i]);
    }
    return first;
  }

  void connect() {
    for (const SubExplanation& node : dag_.nodes) {
      checkpoint();
      dag_.first_child.push_back(static_cast<int>(dag_.children.size()));
      bool cut = false;
      for_each_child(node.patches, [&](const PatchSet& child) {
        const auto fate = fates_.find(child);
        if (fate == fates_.end() || fate->second == left_out)
          cut = true;
        else if (fate->second != leaf)
          dag_.children.push_back(fate->second);
      });
      dag_.cut.push_back(cut);
    }
    dag_.first_child.push_back(static_cast<int>(dag_.children.size()));
  }

  CountedSets& counted_;
  long max_nodes_;
  std::unordered_map<PatchSet, int> fates_;  // of every set met: the node it is, or why it is none
  Dag dag_;
};

/// Counts nodes and paths below some nodes, without walking any path.
class Counter {
 public:
  explicit Counter(const Dag& dag) : dag_(dag), paths_(dag.nodes.size()) {}

  SubExplanationCount count(std::span<const int> roots) {
    SubExplanationCount result;
    std::map<int, std::vector<int>, std::greater<>> waiting;  // nodes met, by size: parents come first
    const auto meet = [&](int node, const BigUnsigned& paths) {
      if (paths_[node].is_zero()) waiting[dag_.nodes[node].patches.size()].push_back(node);
      paths_[node] += paths;
    };
    for (const int root : roots) meet(root, 1);
    while (!waiting.empty()) {
      const auto largest = waiting.extract(waiting.begin());
      auto& sets = result.by_size[largest.key()];
      sets.distinct = static_cast<long>(largest.mapped().size());
      for (const int node : largest.mapped()) {
        checkpoint();
        const BigUnsigned paths = std::exchange(paths_[node], {});
        sets.tree_nodes += paths;
        result.truncated |= dag_.cut[node] != 0;
        for (const int child : dag_.children_of(node)) meet(child, paths);
      }
      result.all.distinct += sets.distinct;
      result.all.tree_nodes += sets.tree_nodes;
    }
    return result;
  }

 private:
  const Dag& dag_;
  std::vector<BigUnsigned> paths_;  // deletion orders that lead to a node met; 0 for all others
};

Task<SubExplanations> count(Scorer& scorer, std::vector<PatchSet> roots, SubExplanationOptions options,
                            int patches) {
  CountedSets counted(scorer, options.node_threshold, patches);
  co_await counted.open();
  Expansion expansion(counted, options.max_nodes);
  co_await expansion.run(roots);

  SubExplanations result;
  Counter counter(expansion.dag());
  std::vector<int> counted_roots;
  bool root_left_out = false;
  for (const PatchSet& root : roots) {
    const int node = expansion.fate(root);
    if (node >= 0) counted_roots.push_back(node);
    result.per_root.push_back(counter.count({&node, node >= 0 ? 1U : 0U}));
    result.per_root.back().truncated |= node == Expansion::left_out;
    root_left_out |= node == Expansion::left_out;
  }
  result.total = counter.count(counted_roots);
  result.total.truncated |= root_left_out;
  result.sets = std::move(expansion.dag().nodes);
  result.evaluations = counted.evaluations();
  result.saved = counted.saved();
  result.near_ties = counted.near_ties();
  co_return result;
}

}  // namespace

Task<SubExplanations> count_sub_explanations(Scorer& scorer, std::vector<PatchSet> roots,
                                             SubExplanationOptions options, int patches) {
  options.validate();
  return count(scorer, std::move(roots), options, internal::patch_count(options.grid, patches));
}

}  // namespace xai
