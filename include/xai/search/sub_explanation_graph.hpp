#pragma once

#include <vector>

#include "xai/search/sub_explanations.hpp"

namespace xai {

/// A part of the structured attention graph of an image that can be drawn: some of the sets that count.
struct SubExplanationGraph {
  struct Node {
    PatchSet patches;
    double ratio = 0;
    bool root = false;
    int hidden_children = 0;  ///< children that count and are no nodes
  };
  struct Edge {
    int parent = 0;  ///< index into nodes
    int child = 0;
    int patch = 0;  ///< that the child has not
  };
  std::vector<Node> nodes;  ///< the roots, then level by level
  std::vector<Edge> edges;  ///< all that there are between the nodes
};

/// The strongest part of the graph with at most `max_nodes` >= 1 nodes. `counted`: the sets that count, of
/// any order; `roots`: the roots among them, the most important first. It takes the first w / 2 roots (at
/// least one) and then, level by level, w children: each node's strongest, then each node's second, and so
/// on; of equal rank those with the largest ratio. The width w is the root of max_nodes, rounded up, or the
/// smallest beyond it that uses all of max_nodes.
SubExplanationGraph strongest_graph(const std::vector<SubExplanation>& counted,
                                    const std::vector<PatchSet>& roots, int max_nodes);

}  // namespace xai
