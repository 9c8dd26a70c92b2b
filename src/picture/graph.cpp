#include "xai/picture/graph.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "drawing.hpp"
#include "xai/core/base64.hpp"
#include "xai/core/error.hpp"
#include "xai/core/file.hpp"
#include "xai/core/hash.hpp"
#include "xai/core/json.hpp"
#include "xai/core/log.hpp"
#include "xai/core/printable.hpp"
#include "xai/picture/picture.hpp"
#include "xai/store/file_name.hpp"

extern char** environ;  // NOLINT: POSIX

namespace xai {
namespace {

namespace fs = std::filesystem;

constexpr int node_pixels = 192;  // of a node's picture, along its height
constexpr int node_points = 92;   // of the same in the drawing

/// A label of Graphviz's language: it knows HTML's entities, and those of JSON's escapes that printable()
/// text needs.
std::string quoted(const std::string& text) {
  std::string result;
  for (const char c : to_text(Json(text))) result += c == '&' ? std::string("&amp;") : std::string(1, c);
  return result;
}

/// The folder of the nodes' pictures beside a graph: named as the graph, unless that has characters which an
/// SVG by `dot` takes for its own, for it does not escape the names of pictures.
std::string pictures_folder(const std::string& stem) {
  const auto special = [](char c) { return std::string_view("\"'<>&").find(c) != std::string_view::npos; };
  std::string plain = printable(stem);
  std::replace_if(plain.begin(), plain.end(), special, '_');
  return plain == stem ? stem : file_name_of(plain + '~' + sha256(stem).substr(0, 16), "");
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

/// What a descriptor gives, to its end.
std::string read_to_end(int descriptor) {
  std::string text;
  std::vector<char> block(1 << 16);
  while (const auto count = read(descriptor, block.data(), block.size())) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    text.append(block.data(), static_cast<std::size_t>(count));
  }
  return text;
}

/// What `dot` draws of a file in `folder`; nothing where it is not installed or fails. It writes to a pipe:
/// it would follow a link in the place of a file.
std::optional<std::string> drawn_by_dot(const fs::path& folder, const std::string& dot_file) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // Ctrl-C is for the run, which saves first
  std::array<std::string, 3> words = {"dot", "-Tsvg", "./" + dot_file};
  std::array<char*, 4> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  pid_t process = 0;
  const int failure = posix_spawnp(&process, "dot", &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(ends[1]);
  std::string svg = failure == 0 ? read_to_end(ends[0]) : "";
  close(ends[0]);
  int status = -1;
  if (failure == 0)
    while (waitpid(process, &status, 0) == -1 && errno == EINTR) {
    }
  const bool done = failure == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return done ? std::optional(std::move(svg)) : std::nullopt;
}

/// Puts the pictures that an SVG names into it.
std::string with_pictures(std::string svg, const std::vector<std::pair<std::string, std::string>>& pictures) {
  for (const auto& [name, png] : pictures) {
    const std::string link = cat("xlink:href=\"", name, "\"");
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
      printable(subject.class_name), ", ", drawing::percent(subject.p_full), ": ", printable(subject.image),
      "\n", subject.distinct, subject.distinct == 1 ? " set" : " sets",
      " of patches counted that keep at least ", drawing::percent(subject.node_threshold),
      " of this probability, ", graph.nodes.size(),
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
  const std::string thumbnails = pictures_folder(stem);
  const double scale = 1.0 * node_pixels / subject.photograph.rows;
  const cv::Size size(cvRound(scale * subject.photograph.cols), node_pixels);
  std::vector<std::pair<std::string, std::string>> pictures;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    pictures.emplace_back(cat(thumbnails, "/", i, ".png"),
                          encode_png(set_picture(subject.photograph, graph.nodes[i].patches, subject.grid,
                                                 subject.mask, size)));
    folder.write_file(dot_path.parent_path() / pictures.back().first, pictures.back().second);
  }
  folder.write_file(dot_path, graph_dot(graph, subject, thumbnails));
  const auto svg = drawn_by_dot(folder.path() / dot_path.parent_path(), stem + ".dot");
  if (!svg) return false;
  folder.write_file(dot_path.parent_path() / (stem + ".svg"), with_pictures(*svg, pictures));
  return true;
}

}  // namespace xai
