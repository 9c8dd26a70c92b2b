#include "xai/picture/graph.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "temporary_folder.hpp"
#include "xai/core/file.hpp"
#include "xai/core/hash.hpp"
#include "xai/data/image.hpp"
#include "xai/record/kinds.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;

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
  has("tripod, 71 %: n01/a \\\"b\\\" &amp; c.png\\n12 sets of patches");
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
  const std::string pictures_folder = "a _b_ _ c.png~" + sha256("a \"b\" & c.png").substr(0, 16);
  EXPECT_EQ(read_file(dot), graph_dot(graph, subject(), pictures_folder));
  for (const char* name : {"0.png", "1.png", "2.png"}) {
    const auto picture = read_photograph(dot.parent_path() / pictures_folder / name, 1 << 20);
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

/// What an SVG, and the DOT file that somebody gives to `dot` again, would do with a name or class of this
/// text.
constexpr const char* hostile = "a\" onload=\"alert(1)\"><script>alert(2)</script>&lt;b&#62;\\N\x1b[2J";

TEST(Graph, NamesAreTextAndNothingElse) {
  GraphSubject named = subject();
  named.image = std::string("n01/") + hostile + ".png";
  std::erase(named.image, '/');  // of "</script>": a name has none
  named.image.insert(3, "/");
  named.class_name = hostile;
  const std::string dot = graph_dot(graph, named, "pictures");
  const std::string label =
      dot.substr(dot.find(" label=") + 7, dot.find("];\n  node") - dot.find(" label=") - 7);
  EXPECT_TRUE(
      label.starts_with("\"a\\\" onload=\\\"alert(1)\\\"><script>alert(2)</script>&amp;lt;b&amp;#62;\\\\N"))
      << label;
  EXPECT_EQ(dot.find('\x1b'), dot.npos);

  const TemporaryFolder folder;
  const RunFolder run(subexp_kind(), folder / "run", Json{{"tool", "xai-subexp"}});
  if (!write_graph(run, graph, named)) GTEST_SKIP() << "Graphviz is not installed";
  const fs::path file = folder / "run" / graph_path(named.image);
  const std::string again = (folder / "again.svg").string();
  const std::string command = "cd '" + file.parent_path().string() + "' && dot -Tsvg *.dot > '" + again + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  for (const fs::path& svg : {fs::path(file).replace_extension(".svg"), fs::path(again)}) {
    const std::string text = read_file(svg);
    EXPECT_EQ(text.find("<script"), text.npos) << svg;
    EXPECT_EQ(text.find("onload=\""), text.npos) << svg;
    EXPECT_NE(text.find("onload=&quot;alert(1)&quot;&gt;&lt;script&gt;"), text.npos)
        << svg << text.substr(0, 3000);
    EXPECT_NE(text.find("&amp;lt;b&amp;#62;"), text.npos) << svg;
  }
}

TEST(Graph, IsNotDrawnThroughALink) {
  const TemporaryFolder folder;
  const RunFolder run(subexp_kind(), folder / "run", Json{{"tool", "xai-subexp"}});
  GraphSubject plain = subject();
  plain.image = "x.png";
  fs::create_directories(folder / "run/graphs");
  write_file_atomically(folder / "theirs", "theirs");
  for (const char* name : {"x.png.svg.tmp", "x.png.svg", "x.png.dot", "x.png.dot.tmp"})
    fs::create_symlink(folder / "theirs", folder / "run/graphs" / name);
  write_graph(run, graph, plain);
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(folder / "run/graphs/x.png.dot")));
  EXPECT_EQ(read_file(folder / "theirs"), "theirs");

  fs::remove_all(folder / "run/graphs/x.png");
  fs::create_directory(folder / "elsewhere");
  fs::create_directory_symlink(folder / "elsewhere", folder / "run/graphs/x.png");
  EXPECT_THROW(write_graph(run, graph, plain), IoError);
  EXPECT_TRUE(fs::is_empty(folder / "elsewhere"));
}

}  // namespace
}  // namespace xai
