#pragma once

#include <functional>
#include <string>
#include <vector>

#include "class_index.hpp"
#include "text_file.hpp"

namespace xai::internal {

/// A line of a list of images or labels.
struct PathLabel {
  Line line;
  std::string path;   ///< as written
  std::string label;  ///< as written, of several words the wnid; empty where there is none
};

/// A list of images or labels, as it was understood.
struct LabelTable {
  std::vector<PathLabel> rows;
  bool labelled = false;   ///< it has labels, in some lines at least
  std::string understood;  ///< column "path" as file, column "label" as class index
};

/// Reads a table, its fields between commas, tabs or semicolons, or a list of lines `path` or `path label`.
/// Which column is what is found by the names in a header, or by content: `is_image` tells of a cell whether
/// it may name an image, `classes` whether it is a label. Throws DataError naming the columns where that is
/// ambiguous, and where a labels file (`needs_labels`) has no column of them.
LabelTable read_label_table(const TextFile& file, const ClassIndex& classes,
                            const std::function<bool(const std::string& cell)>& is_image, bool needs_labels);

}  // namespace xai::internal
