#pragma once

#include <filesystem>
#include <string>

#include "class_index.hpp"
#include "label_table.hpp"
#include "xai/data/data_set.hpp"

namespace xai::internal {

/// The id of an image: relative to `root`, which is absolute and normal.
std::string image_id(const std::filesystem::path& path, const std::filesystem::path& root);

/// The class index that a line's label means. Throws the line's DataError.
ClassIndex::Meaning meaning_of(const PathLabel& row, const TextFile& file, const ClassIndex& classes);

/// Notes what was understood of a table of labels.
void note_labels(DataSet& data_set, const TextFile& file, const LabelTable& table, const ClassIndex& classes);

/// Gives every image its label from the labels file of `options`.
void assign_labels(DataSet& data_set, const DataSetOptions& options, const ClassIndex& classes);

}  // namespace xai::internal
