#pragma once

#include <filesystem>
#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

#include "xai/core/patch_grid.hpp"
#include "xai/search/sub_explanation_graph.hpp"
#include "xai/store/run_folder.hpp"

namespace xai {

/// What a graph is drawn of.
struct GraphSubject {
  cv::Mat photograph;      ///< H x W, CV_8UC3 in RGB order, as cropped for the model
  std::string image;       ///< path relative to the data set
  std::string class_name;  ///< of the explained class
  double p_full = 0;       ///< its probability on the intact image
  int grid = 7;
  MaskKind mask = MaskKind::soft;
  double node_threshold = 0.5;
  long distinct = 0;  ///< sets that count, drawn or not
};

/// The path of an image's graph in the run folder: "graphs/n01440764/x.JPEG.dot". Beside it stand the
/// drawing, "x.JPEG.svg", and the folder of the nodes' pictures, "x.JPEG/".
std::string graph_path(const std::string& image);

/// The graph in Graphviz's language: roots on top, on each node what the model saw of its set and the ratio,
/// on each edge the patch that is taken away. The picture of node i is named pictures + "/" + i + ".png".
std::string graph_dot(const SubExplanationGraph& graph, const GraphSubject& subject,
                      const std::string& pictures);

/// Writes an image's graph into the run folder: the DOT file, its pictures, and where Graphviz's `dot` is
/// installed the drawing, an SVG that holds its pictures. Tells whether there is a drawing.
bool write_graph(const RunFolder& folder, const SubExplanationGraph& graph, const GraphSubject& subject);

}  // namespace xai
