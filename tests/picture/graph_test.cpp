#include "xai/picture/graph.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "temporary_folder.hpp"
#include "xai/core/file.hpp"
#include "xai/data/image.hpp"
#include "xai/record/kinds.hpp"

namespace xai {
namespace {

const SubExplanationGraph graph = {{{{0, 1}, 0.934, true, 0}, {{1}, 0.512, false, 3}, {{0}, 0.5, false, 0}},
                                   {{0, 1, 0}, {0, 2, 1}}};

GraphSubject subject() {
  return {.photograph = cv::Mat(64, 96, CV_8UC3, cv::Scalar(200, 100, 50)),
          .image = "n01/a \"b\" & c.png",
          .class_name = "tripod",
          .p_full = 0.71,
          .grid = 2,
          .mask = MaskKind::hard,
          .distinct = 12};
}

TEST(Graph, NodesAndEdgesAreWritten) {
  const std::string dot = graph_dot(graph, subject(), "a & b");
  const auto has = [&](const std::string& words) {
    EXPECT_NE(dot.find(words), std::string::npos) << words << dot;
  };
  has("tripod, 71 %: n01/a \\\"b\\\" & c.png\\n12 sets of patches");
  has("3 drawn");
  has("{rank=min; n0;}");
  has("SRC=\"a &amp; b/0.png\"/></TD></TR><TR><TD>93 %</TD>");
  has("51 % <FONT COLOR=\"#8a8c94\">+3</FONT></TD>");
  has("n0 -> n1 [label=\" -0\"]");
  has("n0 -> n2 [label=\" -1\"]");
  EXPECT_EQ(dot.find("-> n0"), std::string::npos);
}

TEST(Graph, IsDrawnWithItsPicturesWhereGraphvizIs) {
  const TemporaryFolder folder;
  const RunFolder run(subexp_kind(), folder / "run", Json{{"tool", "xai-subexp"}});
  const bool drawn = write_graph(run, graph, subject());
  const auto dot = folder / "run/graphs/n01/a \"b\" & c.png.dot";
  EXPECT_EQ(graph_path(subject().image), "graphs/n01/a \"b\" & c.png.dot");
  EXPECT_EQ(read_file(dot), graph_dot(graph, subject(), "a \"b\" & c.png"));
  for (const char* name : {"0.png", "1.png", "2.png"}) {
    const auto picture = read_photograph(dot.parent_path() / "a \"b\" & c.png" / name, 1 << 20);
    EXPECT_EQ(picture.rgb.size(), cv::Size(288, 192)) << name;
  }
  const bool installed = std::system("command -v dot >/dev/null") == 0;
  EXPECT_EQ(drawn, installed);
  if (!installed) GTEST_SKIP() << "Graphviz is not installed";
  const std::string svg = read_file(dot.parent_path() / "a \"b\" & c.png.svg");
  std::size_t pictures = 0;
  for (auto at = svg.find("<image xlink:href=\""); at != std::string::npos;
       at = svg.find("<image ", at + 1)) {
    EXPECT_EQ(svg.substr(at, 41), "<image xlink:href=\"data:image/png;base64,");
    ++pictures;
  }
  EXPECT_EQ(pictures, 3U);
}

}  // namespace
}  // namespace xai
