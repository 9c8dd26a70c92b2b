#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace xai {

/// One image of a data set.
struct ImageEntry {
  /// Its path relative to the data set, '/' separated, UTF-8, never with ".." (an image of a list that lies
  /// outside the list's folder has its absolute path without the leading '/'). Unique within the data set.
  std::string id;
  std::filesystem::path path;
  std::optional<int> label;  ///< class index of the model
};

/// Where the images and their labels come from (SPEC 2).
struct DataSetOptions {
  /// A folder of images; a list or CSV file of them, `path`, `path label` or `path,label` a line, relative to
  /// the file's own folder; or one image.
  std::filesystem::path data{};
  /// Optional labels: Kaggle's LOC_val_solution.csv, a `path,label` CSV, a `path label` list, or the devkit's
  /// ILSVRC2012_validation_ground_truth.txt. A label is a class index 0..K-1 or a class id (wnid). Paths are
  /// relative to the data set; a file's name, and either without its extension, will do where it is
  /// unambiguous.
  std::filesystem::path labels{};
  /// Needed by the devkit's ground truth, which numbers classes 1..1000 in an order of its own: text or CSV
  /// with the columns ILSVRC2012_ID and WNID, or lines `ID WNID ...` or `WNID ID ...`.
  std::filesystem::path devkit_map{};
  long limit = 0;   ///< the first so many images in order of id; 0 = all
  long spread = 0;  ///< so many of those, evenly_spread(); 0 = all
};

/// The images of a run, sorted by the bytes of their ids.
struct DataSet {
  std::filesystem::path root;  ///< the folder that ids are relative to
  std::string layout;          ///< "class-folders", "flat", "list" or "single"
  std::vector<ImageEntry> images;
  std::vector<std::string> warnings;  ///< one line each, for the log
  std::string sha256;                 ///< of the ids and labels, hexadecimal

  bool labelled() const;  ///< every image has a label
};

/// `most` of 0 .. count-1, ascending, each from the middle of its part of `most` equal ones; all of them
/// where there are no more, or most = 0.
std::vector<std::size_t> evenly_spread(std::size_t count, std::size_t most);

/// Opens a data set; `class_ids` are the model's class ids by index (wnids), empty if unknown.
///
/// Folders are searched recursively for .jpeg .jpg .png .webp .bmp files (case-insensitive); hidden files and
/// folders are ignored, symbolic links followed. Without a labels file, the images of a folder are labelled
/// if they lie in class folders: all of them below folders named by class ids (class index = the id's), or,
/// with no class ids given, below two or more folders or ones named like wnids (class index = rank of the
/// name, with a warning). Labels may cover more images than there are. No image is opened.
///
/// Throws UsageError for options that cannot work (no such file, devkit ground truth without its map, limit
/// or spread < 0) and DataError for a data set that cannot be used: no images, malformed line, label out of
/// range or unknown, listed image that does not exist, image without a label, image outside the class
/// folders.
DataSet open_data_set(const DataSetOptions& options, const std::vector<std::string>& class_ids);

}  // namespace xai
