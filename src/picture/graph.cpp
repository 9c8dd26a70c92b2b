#include "xai/picture/graph.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>

#include "drawing.hpp"
#include "xai/core/base64.hpp"
#include "xai/core/error.hpp"
#include "xai/core/file.hpp"
#include "xai/core/json.hpp"
#include "xai/core/log.hpp"
#include "xai/picture/picture.hpp"
#include "xai/store/file_name.hpp"

extern char** environ;  // NOLINT: POSIX

namespace xai {
namespace {

namespace fs = std::filesystem;

constexpr int node_pixels = 192;  // of a node's picture, along its height
constexpr int node_points = 92;   // of the same in the drawing

/// A string of Graphviz's language; what JSON escapes, it takes as well.
std::string quoted(const std::string& text) {
  return to_text(Json(text));
}

/// Text between quotes of Graphviz's HTML-like labels.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string node_line(std::size_t index, const SubExplanationGraph::Node& node, const std::string& picture,
                      double aspect) {
  std::string caption = drawing::percent(node.ratio);
  if (node.hidden_children > 0) caption += cat(" <FONT COLOR=\"#8a8c94\">+", node.hidden_children, "</FONT>");
  return cat(
      "  n", index, " [label=<<TABLE BORDER=\"", node.root ? 2 : 0,
      "\" COLOR=\"#20212a\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"2\"><TR><TD FIXEDSIZE=\"TRUE\" "
      "WIDTH=\"",
      cvRound(node_points * aspect), "\" HEIGHT=\"", node_points, "\"><IMG SCALE=\"TRUE\" SRC=\"",
      escaped(picture), "\"/></TD></TR><TR><TD>", caption, "</TD></TR></TABLE>>];\n");
}

/// Runs `dot` in `folder`; false where it is not installed or fails.
bool run_dot(const fs::path& folder, const std::string& dot_file, const std::string& svg_file) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // Ctrl-C is for the run, which saves first
  std::array<std::string, 5> words = {"dot", "-Tsvg", "-o", "./" + svg_file, "./" + dot_file};
  std::array<char*, 6> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  pid_t process = 0;
  const int failure = posix_spawnp(&process, "dot", &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  int status = -1;
  if (failure == 0)
    while (waitpid(process, &status, 0) == -1 && errno == EINTR) {
    }
  return failure == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// Puts the pictures that an SVG names into it.
std::string with_pictures(std::string svg, const std::vector<std::pair<std::string, std::string>>& pictures) {
  for (const auto& [name, png] : pictures) {
    const std::string link = cat("xlink:href=\"", name, "\"");  // dot does not escape it
    const auto at = svg.find(link);
    if (at != std::string::npos)
      svg.replace(at, link.size(), cat("xlink:href=\"data:image/png;base64,", base64(png), "\""));
  }
  return svg;
}

}  // namespace

std::string graph_path(const std::string& image) {
  return "graphs/" + file_name_of(image, ".dot");
}

std::string graph_dot(const SubExplanationGraph& graph, const GraphSubject& subject,
                      const std::string& pictures) {
  const std::string title = cat(
      subject.class_name, ", ", drawing::percent(subject.p_full), ": ", subject.image, "\n", subject.distinct,
      subject.distinct == 1 ? " set" : " sets", " of patches counted that keep at least ",
      drawing::percent(subject.node_threshold), " of this probability, ", graph.nodes.size(),
      " drawn\non top, framed, minimal sufficient sets; %: how much of the probability a set keeps; edges: "
      "the patch "
      "taken away, of rows of ",
      subject.grid, "; grey: further sets that this one leads to");
  std::string dot =
      cat("digraph explanations {\n  graph [rankdir=TB, labelloc=t, nodesep=0.12, ranksep=0.42, "
          "fontname=\"Helvetica,Arial,sans-serif\", fontsize=15, label=",
          quoted(title),
          "];\n  node [shape=none, margin=0, fontname=\"Helvetica,Arial,sans-serif\", fontsize=14];\n"
          "  edge [color=\"#70727a\", fontcolor=\"#20212a\", arrowsize=0.6, "
          "fontname=\"Helvetica,Arial,sans-serif\", fontsize=12];\n  {rank=min;");
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (graph.nodes[i].root) dot += cat(" n", i, ";");
  dot += "}\n";
  const double aspect = 1.0 * subject.photograph.cols / subject.photograph.rows;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    dot += node_line(i, graph.nodes[i], cat(pictures, "/", i, ".png"), aspect);
  for (const auto& edge : graph.edges)
    dot += cat("  n", edge.parent, " -> n", edge.child, " [label=\" -", edge.patch, "\"];\n");
  return dot + "}\n";
}

bool write_graph(const RunFolder& folder, const SubExplanationGraph& graph, const GraphSubject& subject) {
  const fs::path dot_path = graph_path(subject.image);
  const std::string stem = dot_path.stem().string();  // the image's file name, or what fits of it
  const double scale = 1.0 * node_pixels / subject.photograph.rows;
  const cv::Size size(cvRound(scale * subject.photograph.cols), node_pixels);
  std::vector<std::pair<std::string, std::string>> pictures;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    pictures.emplace_back(cat(stem, "/", i, ".png"),
                          encode_png(set_picture(subject.photograph, graph.nodes[i].patches, subject.grid,
                                                 subject.mask, size)));
    folder.write_file(dot_path.parent_path() / pictures.back().first, pictures.back().second);
  }
  folder.write_file(dot_path, graph_dot(graph, subject, stem));
  const std::string unfinished = stem + ".svg.tmp";
  const fs::path drawn = folder.path() / dot_path.parent_path() / unfinished;
  if (!run_dot(drawn.parent_path(), stem + ".dot", unfinished)) return false;
  const std::string svg = read_file(drawn);
  fs::remove(drawn);
  folder.write_file(dot_path.parent_path() / (stem + ".svg"), with_pictures(svg, pictures));
  return true;
}

}  // namespace xai
