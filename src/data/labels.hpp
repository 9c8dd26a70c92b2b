#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text_file.hpp"
#include "xai/data/data_set.hpp"

namespace xai::internal {

/// The model's class ids by index, looked up the other way round.
class ClassIndex {
 public:
  explicit ClassIndex(const std::vector<std::string>& class_ids);

  bool empty() const { return index_of_.empty(); }
  std::optional<int> find(const std::string& id) const;
  /// The class index that a label means: an index, or a class id. Throws the line's DataError.
  int of_label(const std::string& label, const TextFile& file, const Line& line) const;

 private:
  std::unordered_map<std::string, int> index_of_;
};

/// A line of a list of images or labels.
struct PathLabel {
  Line line;
  std::string path;   ///< as written
  std::string label;  ///< as written; empty where there is none
};

/// Reads `path,label` CSV (header optional), Kaggle's ImageId,PredictionString, or a `path label` list;
/// the label may be missing.
std::vector<PathLabel> read_path_labels(const TextFile& file);

/// The id of an image: relative to `root`, which is absolute and normal.
std::string image_id(const std::filesystem::path& path, const std::filesystem::path& root);

/// The file types that are looked for, by extension; and whether `path` has one of them.
constexpr std::string_view image_extensions = ".jpeg .jpg .png .webp .bmp";
bool has_image_extension(const std::filesystem::path& path);

/// Gives every image its label from the labels file of `options`.
void assign_labels(DataSet& data_set, const DataSetOptions& options, const ClassIndex& classes);

}  // namespace xai::internal
