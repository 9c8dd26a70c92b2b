#include "xai/search/sub_explanation_graph.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "search/synthetic.hpp"

namespace xai {
namespace {

std::vector<SubExplanation> counted_sets(const testing::Score& score, const std::vector<PatchSet>& roots) {
  SubExplanationOptions options;
  options.grid = 4;
  options.node_threshold = 0.3;
  Scorer scorer;
  return run_search(scorer, count_sub_explanations(scorer, roots, options), score).sets;
}

TEST(SubExplanationGraph, HoldsEveryNodeAndEdgeWhereThereIsRoom) {
  const std::vector<PatchSet> roots = {{0, 1}, {1, 2}};
  const auto counted = counted_sets([](const PatchSet&) { return 0.8; }, roots);
  const auto graph = strongest_graph(counted, roots, 100);
  ASSERT_EQ(graph.nodes.size(), 5U);
  for (const auto& node : graph.nodes) {
    EXPECT_EQ(node.root, node.patches.size() == 2);
    EXPECT_EQ(node.hidden_children, 0);
    EXPECT_EQ(node.ratio, 1);
  }
  std::set<std::vector<int>> edges;
  for (const auto& edge : graph.edges) {
    EXPECT_EQ(graph.nodes[edge.child].patches, graph.nodes[edge.parent].patches.without(edge.patch));
    EXPECT_TRUE(graph.nodes[edge.parent].patches.contains(edge.patch));
    edges.insert({edge.parent, edge.child});
  }
  EXPECT_EQ(edges.size(), 4U);
  EXPECT_EQ(graph.edges.size(), 4U);
}

TEST(SubExplanationGraph, KeepsTheStrongestChildrenOfEveryNode) {
  // the larger its patches the stronger a set
  std::vector<SubExplanation> counted;
  const auto add = [&](const PatchSet& set) {
    double ratio = 0.5;
    for (const int patch : set.patches()) ratio += 0.01 * patch;
    counted.push_back({set, ratio});
  };
  for (const PatchSet& set :
       {PatchSet{0, 1, 2}, PatchSet{3, 4, 5}, PatchSet{0, 1}, PatchSet{0, 2}, PatchSet{1, 2}, PatchSet{3, 4},
        PatchSet{3, 5}, PatchSet{4, 5}, PatchSet{2}, PatchSet{5}})
    add(set);
  const auto graph = strongest_graph(counted, {{0, 1, 2}, {3, 4, 5}}, 5);  // three wide: one root
  std::vector<PatchSet> nodes;
  for (const auto& node : graph.nodes) nodes.push_back(node.patches);
  EXPECT_EQ(nodes, (std::vector<PatchSet>{{0, 1, 2}, {1, 2}, {0, 2}, {0, 1}, {2}}));

  const auto two_roots =
      strongest_graph(counted, {{0, 1, 2}, {3, 4, 5}}, 8);  // four wide, or some would be left
  nodes.clear();
  for (const auto& node : two_roots.nodes) nodes.push_back(node.patches);
  // each root's strongest child, then each one's second; and what the four lead to
  EXPECT_EQ(nodes, (std::vector<PatchSet>{{0, 1, 2}, {3, 4, 5}, {4, 5}, {1, 2}, {3, 5}, {0, 2}, {5}, {2}}));
  EXPECT_EQ(two_roots.nodes[0].hidden_children, 1);
  EXPECT_EQ(two_roots.nodes[1].hidden_children, 1);
  EXPECT_EQ(two_roots.nodes[2].hidden_children, 0);
  EXPECT_EQ(strongest_graph(counted, {{0, 1, 2}, {3, 4, 5}}, 100).nodes.size(), counted.size());
}

TEST(SubExplanationGraph, HasAtMostSoManyNodesAndEachIsReached) {
  const auto score = testing::shaken(4, 12);
  const std::vector<PatchSet> roots = {PatchSet::all(9), PatchSet::all(16) - PatchSet::all(8)};
  const auto counted = counted_sets(score, roots);
  ASSERT_GT(counted.size(), 60U);
  for (const int most : {1, 2, 5, 24, 50}) {
    const auto graph = strongest_graph(counted, roots, most);
    EXPECT_EQ(graph.nodes.size(), static_cast<std::size_t>(most));
    std::set<int> children;
    for (const auto& edge : graph.edges) children.insert(edge.child);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
      EXPECT_NE(graph.nodes[i].root, children.contains(static_cast<int>(i)));
  }
}

TEST(SubExplanationGraph, OfNothingIsEmpty) {
  EXPECT_TRUE(strongest_graph({}, {}, 10).nodes.empty());
}

}  // namespace
}  // namespace xai
