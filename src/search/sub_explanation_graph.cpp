#include "xai/search/sub_explanation_graph.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>
#include <utility>

#include "counted_sets.hpp"

namespace xai {
namespace {

using Node = SubExplanationGraph::Node;
using internal::for_each_child;

bool stronger(const SubExplanation& a, const SubExplanation& b) {
  return a.ratio != b.ratio ? a.ratio > b.ratio : a.patches < b.patches;
}

class Drawing {
 public:
  explicit Drawing(const std::vector<SubExplanation>& counted) {
    for (const SubExplanation& set : counted) ratios_.emplace(set.patches, set.ratio);
  }

  SubExplanationGraph run(const std::vector<PatchSet>& roots, std::size_t max_nodes) {
    const auto most = std::min(max_nodes, ratios_.size());
    auto width = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(max_nodes))));
    do {
      take(roots, max_nodes, width);
    } while (graph_.nodes.size() < most && width++ < 2 * max_nodes);
    connect();
    return std::move(graph_);
  }

 private:
  void take(const std::vector<PatchSet>& roots, std::size_t max_nodes, std::size_t width) {
    graph_.nodes.clear();
    node_of_.clear();
    for (const PatchSet& root : roots)
      if (graph_.nodes.size() < std::max<std::size_t>(1, width / 2)) add(root, true);
    for (std::size_t level = 0, next = graph_.nodes.size(); level < next;) {
      const auto children = best_children(level, next);
      for (std::size_t i = 0; i < std::min({children.size(), width, max_nodes - next}); ++i)
        add(children[i].patches, false);
      level = std::exchange(next, graph_.nodes.size());
    }
  }

  void add(const PatchSet& set, bool root) {
    if (!node_of_.try_emplace(set, static_cast<int>(graph_.nodes.size())).second) return;
    graph_.nodes.push_back({set, ratios_.at(set), root, 0});
  }

  /// Those that count, the strongest first.
  std::vector<SubExplanation> children(const PatchSet& set) const {
    std::vector<SubExplanation> result;
    for_each_child(set, [&](const PatchSet& child) {
      if (const auto found = ratios_.find(child); found != ratios_.end())
        result.push_back({child, found->second});
    });
    std::sort(result.begin(), result.end(), stronger);
    return result;
  }

  /// The children of the nodes from `begin` to `end` that are no nodes, in the order in which they are taken.
  std::vector<SubExplanation> best_children(std::size_t begin, std::size_t end) const {
    std::map<PatchSet, std::pair<int, double>> candidates;  // best rank among a parent's children, and ratio
    for (auto i = begin; i < end; ++i) {
      int rank = 0;
      for (const SubExplanation& child : children(graph_.nodes[i].patches)) {
        if (node_of_.contains(child.patches)) continue;
        auto& best = candidates.try_emplace(child.patches, rank, child.ratio).first->second.first;
        best = std::min(best, rank++);
      }
    }
    std::vector<SubExplanation> result;
    for (const auto& [patches, candidate] : candidates) result.push_back({patches, candidate.second});
    std::sort(result.begin(), result.end(), [&](const SubExplanation& a, const SubExplanation& b) {
      const int rank_a = candidates.at(a.patches).first, rank_b = candidates.at(b.patches).first;
      return rank_a != rank_b ? rank_a < rank_b : stronger(a, b);
    });
    return result;
  }

  void connect() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      Node& node = graph_.nodes[i];
      for (const SubExplanation& child : children(node.patches)) {
        const auto drawn = node_of_.find(child.patches);
        if (drawn == node_of_.end())
          ++node.hidden_children;
        else
          graph_.edges.push_back(
              {static_cast<int>(i), drawn->second, (node.patches - child.patches).patches().front()});
      }
    }
  }

  std::unordered_map<PatchSet, double> ratios_;  // of all sets that count
  std::unordered_map<PatchSet, int> node_of_;
  SubExplanationGraph graph_;
};

}  // namespace

SubExplanationGraph strongest_graph(const std::vector<SubExplanation>& counted,
                                    const std::vector<PatchSet>& roots, int max_nodes) {
  return Drawing(counted).run(roots, static_cast<std::size_t>(max_nodes));
}

}  // namespace xai
