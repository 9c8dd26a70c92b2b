#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "xai/data/class_list.hpp"
#include "xai/data/image_source.hpp"

namespace xai {

/// One image of a data set; or a folder of it that cannot be read, which keeps its place as an image would,
/// so that the run has an error for it.
struct ImageEntry {
  /// Its path relative to the data set, '/' separated, UTF-8, never with ".." (an image of a list that lies
  /// outside the list's folder has its absolute path without the leading '/'). Unique within the data set. Of
  /// a folder it ends in '/'.
  std::string id;
  ImageSource source;
  std::optional<int> label = {};  ///< class index of the model

  bool is_folder() const { return id.ends_with('/'); }
};

/// Where the images and their labels come from (SPEC 2).
struct DataSetOptions {
  /// A folder of images; a tar of them, which is read in place; a list or CSV file of them, `path`, `path
  /// label` or `path,label` a line, relative to the file's own folder; or one image.
  std::filesystem::path data{};
  /// Optional labels: a table of images and labels (Kaggle's LOC_val_solution.csv, Tiny-ImageNet's
  /// val_annotations.txt, any CSV), a `path label` list, or the devkit's
  /// ILSVRC2012_validation_ground_truth.txt. Paths are relative to the data set, or to a folder above it; a
  /// file's name, and either without its extension, will do where it is unambiguous.
  std::filesystem::path labels{};
  /// Needed by the devkit's ground truth, which numbers classes 1..1000 in an order of its own: text or CSV
  /// with the columns ILSVRC2012_ID and WNID, or lines `ID WNID ...` or `WNID ID ...`.
  std::filesystem::path devkit_map{};
  /// The folders in the data set are classes, numbered in the order of their names' bytes: for models whose
  /// classes were numbered so, of exactly these folders.
  bool folders_by_rank = false;
  long limit = 0;   ///< the first so many images in order of id; 0 = all
  long spread = 0;  ///< so many of those, evenly_spread(); 0 = all
  /// Folders below the data set that are left out with all that they hold. Empty: none are.
  std::function<bool(const std::filesystem::path& folder)> leaves_out{};
};

/// The images of a run, sorted by the bytes of their ids.
struct DataSet {
  std::filesystem::path root;  ///< the folder, or tar, that ids are relative to
  std::string layout;          ///< "class-folders", "flat", "list" or "single"
  std::vector<ImageEntry> images;
  std::vector<std::string> notes;     ///< one line each, for the log: what was understood, what was left out
  std::vector<std::string> warnings;  ///< likewise: what may not be meant so
  std::string sha256;                 ///< of the ids and labels, hexadecimal

  bool labelled() const;  ///< every image has a label
};

/// `most` of 0 .. count-1, ascending, each from the middle of its part of `most` equal ones; all of them
/// where there are no more, or most = 0.
std::vector<std::size_t> evenly_spread(std::size_t count, std::size_t most);

/// Opens a data set for a model of K = `class_count` classes (0: unknown), which `classes` lists or is empty.
///
/// Folders and tars are searched for .jpeg .jpg .jpe .jfif .png .webp .bmp .tif .tiff .gif .ppm .pgm .pbm
/// .pnm files (case-insensitive) and files without an extension that begin as such; a note counts what is
/// left out. Hidden files and folders are ignored, symbolic links followed. A folder that cannot be read is
/// an entry of its own.
///
/// A label's text, a folder's name as well as a cell of a table, means the same everywhere: an id of the
/// model; else a class name (case, and underscores for blanks, are forgiven, and the first synonym will do)
/// that only one class has; else, where no id or name of the model is a number, an index 0..K-1; else it is
/// refused. Without a labels file, the images of a folder or tar are labelled if they lie in folders of it
/// that are named so: all of them, or none. Labels may cover more images than there are. No image is opened.
///
/// Throws UsageError for options that cannot work (no such file, devkit ground truth without its map, limit
/// or spread < 0) and DataError for a data set that cannot be used: no images, none that can be read, a tar
/// that is cut short or compressed, a malformed line or ambiguous table, a label that is none, a listed image
/// that does not exist, an image without a label, an image outside the class folders.
DataSet open_data_set(const DataSetOptions& options, const ClassList& classes, int class_count);

}  // namespace xai
