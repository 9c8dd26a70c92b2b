#pragma once

#include <opencv2/core/mat.hpp>
#include <optional>
#include <string>
#include <vector>

#include "xai/core/patch_grid.hpp"

namespace xai {

/// What one model gives the explained class c. What was not computed is empty.
struct CrossBar {
  std::string model;
  std::optional<double> posterior = {};   ///< f_c with only the source's cells revealed; empty: undefined
  std::optional<double> f_full = {};      ///< f_c(x)
  std::optional<double> f_baseline = {};  ///< f_c(b)
};

/// A model whose evidence is shown to all models.
struct CrossRow {
  std::string model;
  std::string class_name = {};         ///< of the class c that it explains
  cv::Mat photograph = {};             ///< H x W, CV_8UC3 in RGB order, as cropped for this model
  std::vector<float> map = {};         ///< size x size, row by row, finite; empty where there is none,
  std::vector<float> shown = {};       ///< the cells of it that are revealed, 1, and the others, 0
  std::string why_no_map = {};         ///< without a map a sentence that says why
  std::vector<CrossBar> targets = {};  ///< the models tested, this one among them
};

/// What models make of each other's evidence in one image.
struct CrossFigure {
  std::string image;  ///< path relative to the data set
  int size = 28;      ///< s: maps have s x s cells
  MaskKind mask = MaskKind::soft;
  std::string map_heading = {};    ///< "its map (yellow: most)"
  std::string shown_heading = {};  ///< "its most important 20 %"
  std::vector<CrossRow> rows;
};

/// One row for each source model: the photograph as cropped for it, its map (viridis), its cells that are
/// revealed on a blurred and dimmed ground, and a bar for each model that was shown only these.
///
/// A bar's length is the posterior on an axis from 0 to 1; a grey band behind it reaches from f_baseline to
/// f_full. The source's own bar is darker. Where the rows explain different classes, each names its own.
/// Returns CV_8UC3 in RGB order.
cv::Mat cross_picture(const CrossFigure& figure);

}  // namespace xai
