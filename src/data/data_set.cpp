#include "xai/data/data_set.hpp"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "formats.hpp"
#include "labels.hpp"
#include "listing.hpp"
#include "xai/core/error.hpp"
#include "xai/core/hash.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;
using internal::ClassIndex;

/// The first folder of an id; "" for an image that lies in the root.
std::string top_folder(const std::string& id) {
  const auto slash = id.find('/');
  return slash == std::string::npos ? "" : id.substr(0, slash);
}

/// The folders in the root that hold images.
std::set<std::string> top_folders(const DataSet& data_set) {
  std::set<std::string> folders;
  for (const auto& image : data_set.images)
    if (const auto folder = top_folder(image.id); !image.is_folder() && !folder.empty())
      folders.insert(folder);
  return folders;
}

/// "'a', 'b', 'c' and 5 more".
template <class Names>
std::string first_of(const Names& names) {
  constexpr std::size_t shown = 3;
  std::string text;
  std::size_t count = 0;
  for (const std::string& name : names)
    if (count++ < shown) text += cat(text.empty() ? "" : ", ", "'", name, "'");
  return count > shown ? cat(text, " and ", count - shown, " more") : text;
}

void require_in_folder(const DataSet& data_set, const ImageEntry& image) {
  require<DataError>(!top_folder(image.id).empty(), "image '", image.id,
                     "' lies beside the class folders in '", data_set.root.string(), "', not in one");
}

/// Labels the images of class folders; leaves those of other layouts as they are.
void label_by_folders(DataSet& data_set, const ClassIndex& classes) {
  const std::set<std::string> folders = top_folders(data_set);
  const auto is_class = [&](const std::string& name) {
    return classes.find(name) || (classes.has_list() && internal::is_wnid(name));
  };
  const auto known = std::find_if(folders.begin(), folders.end(), is_class);
  if (known == folders.end()) return;
  data_set.layout = "class-folders";
  internal::LabelTally tally;
  for (const std::string& folder : folders) {
    const auto meaning = classes.find(folder);
    require<DataError>(meaning.has_value(), classes.refusal("folder", folder),
                       folder == *known ? "" : cat("; '", *known, "' beside it is one"), " ('",
                       data_set.root.string(), "')");
    tally.add(*meaning);
  }
  for (auto& image : data_set.images) {
    if (!image.is_folder()) require_in_folder(data_set, image);
    if (const auto meaning = classes.find(top_folder(image.id))) image.label = meaning->index;
  }
  const std::string note = tally.note(cat("no folder in '", data_set.root.string(), "' is named 0"), classes);
  if (!note.empty()) data_set.notes.push_back(note);
}

void label_by_rank(DataSet& data_set, const ClassIndex& classes) {
  const std::set<std::string> folders = top_folders(data_set);
  const auto count = static_cast<int>(folders.size());
  require<DataError>(count > 0, "'folders_by_rank' needs folders of images in '", data_set.root.string(),
                     "'");
  require<DataError>(classes.count() == 0 || count <= classes.count(), "'folders_by_rank': ", count,
                     " folders in '", data_set.root.string(), "', and the model has ", classes.count(),
                     " classes");
  data_set.layout = "class-folders";
  for (auto& image : data_set.images) {
    if (image.is_folder()) continue;
    require_in_folder(data_set, image);
    image.label = static_cast<int>(std::distance(folders.begin(), folders.find(top_folder(image.id))));
  }
  data_set.notes.push_back(cat("the folders in '", data_set.root.string(), "' are taken by rank: '",
                               *folders.begin(), "' is class ", classes.described(0), ", '",
                               *folders.rbegin(), "' is class ", classes.described(count - 1)));
}

/// A file whose name says that it holds labels.
bool is_named_labels(const fs::path& path) {
  static const std::set<std::string> types{".csv", ".tsv", ".txt"};
  if (!types.contains(internal::kind_by_name(path))) return false;
  const std::string stem = internal::lower_case(path.stem().string());
  const auto holds = [&stem](const char* part) { return stem.find(part) != std::string::npos; };
  return holds("label") || holds("annotation") || holds("solution") || holds("ground_truth") ||
         holds("groundtruth") || stem == "metadata";
}

/// In a folder and the one above.
std::set<std::string> labels_files_near(const fs::path& root) {
  std::set<std::string> found;
  for (const fs::path& folder : {root, root.parent_path()}) {
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
      if (is_named_labels(it->path())) found.insert(it->path().string());
  }
  return found;
}

/// A folder below the root whose own folders are named by class ids; "" where there is none.
std::string folder_of_classes(const DataSet& data_set, const ClassIndex& classes) {
  for (const auto& image : data_set.images) {
    fs::path above;
    for (const fs::path& part : fs::path(image.id).parent_path()) {
      const auto meaning = classes.find(part.string());
      const bool is_id = meaning && meaning->kind == internal::LabelKind::id;
      if (!above.empty() && is_id) return above.generic_string();
      above /= part;
    }
  }
  return "";
}

/// Says so where an unlabelled folder looks as if it had labels.
void warn_of_labels(DataSet& data_set, const ClassIndex& classes) {
  const auto warn = [&](const auto&... parts) {
    data_set.warnings.push_back(
        cat("the images in '", data_set.root.string(), "' are taken as unlabelled: ", parts...));
  };
  const auto files = labels_files_near(data_set.root);
  const auto folders = top_folders(data_set);
  const std::string deeper = folder_of_classes(data_set, classes);
  if (!files.empty())
    warn(first_of(files), " may hold their labels: give it as 'labels'");
  else if (!deeper.empty())
    warn("its class folders lie in '", deeper, "': give '", (data_set.root / deeper).string(), "' as 'data'");
  else if (classes.find(data_set.root.filename().string()))
    warn("the folder itself is named as a class: give the one above as 'data', or a 'labels' file");
  else if (!folders.empty())
    warn(
        "its folders (", first_of(folders), ") are no classes of the model: looked for ",
        classes.looked_for(),
        "; name them so, give a 'labels' file, or 'folders_by_rank' if the model's classes are these folders "
        "in the order of their names");
}

void note_listing(DataSet& data_set, const internal::Listing& listing) {
  if (!listing.left_out.empty())
    data_set.notes.push_back(cat("left out, as no images by their names: ", listing.left_out_text()));
  std::set<std::string> folders;
  for (const auto& image : data_set.images)
    if (image.is_folder()) folders.insert(image.id);
  if (!folders.empty())
    data_set.warnings.push_back(cat(folders.size(), folders.size() == 1 ? " folder" : " folders", " in '",
                                    data_set.root.string(),
                                    "' cannot be read, an error each: ", first_of(folders)));
}

/// Of a folder or a tar.
void open_folder(DataSet& data_set, const DataSetOptions& options, const ClassIndex& classes) {
  data_set.layout = "flat";
  internal::Listing listing = fs::is_directory(data_set.root)
                                  ? internal::list_folder(data_set.root, options.leaves_out)
                                  : internal::list_tar(data_set.root);
  data_set.images = std::move(listing.images);
  require<DataError>(!data_set.images.empty(), "no images in '", data_set.root.string(), "': looked for ",
                     internal::image_extensions, " in it and its folders",
                     listing.left_out.empty() ? "" : cat("; there are ", listing.left_out_text()));
  note_listing(data_set, listing);
  if (!options.labels.empty()) return;
  if (options.folders_by_rank) return label_by_rank(data_set, classes);
  label_by_folders(data_set, classes);
  if (!data_set.labelled()) warn_of_labels(data_set, classes);
}

void open_list(DataSet& data_set, const DataSetOptions& options, const ClassIndex& classes) {
  data_set.layout = "list";
  const internal::TextFile file("image list", options.data);
  const auto table = internal::read_label_table(file, classes, internal::has_image_extension, false);
  require<DataError>(!table.rows.empty(), "no images in the list '", file.path.string(), "'");
  require(!table.labelled || options.labels.empty(), "both '", file.path.string(), "' and '",
          options.labels.string(), "' give labels: use one of them");
  for (const internal::PathLabel& row : table.rows) {
    if (row.label.empty() != table.rows.front().label.empty())
      throw file.malformed(row.line, "some lines have a label and some have none");
    ImageEntry image{internal::image_id(row.path, data_set.root), data_set.root / row.path};
    if (image.id.empty()) throw file.malformed(row.line, cat("'", row.path, "' is a folder, and no image"));
    std::error_code error;  // what is there and cannot be read will be an error of its own
    if (fs::symlink_status(image.source.file, error).type() == fs::file_type::not_found)
      throw file.malformed(row.line, "image '", image.source.file.string(), "' does not exist");
    if (!row.label.empty()) image.label = internal::meaning_of(row, file, classes).index;
    data_set.images.push_back(std::move(image));
  }
  internal::note_labels(data_set, file, table, classes);
}

void sort_and_select(std::vector<ImageEntry>& images, long limit, long spread) {
  const auto by_id = [](const ImageEntry& a, const ImageEntry& b) { return a.id < b.id; };
  const auto same_id = [](const ImageEntry& a, const ImageEntry& b) { return a.id == b.id; };
  std::sort(images.begin(), images.end(), by_id);
  const auto twice = std::adjacent_find(images.begin(), images.end(), same_id);
  require<DataError>(twice == images.end(), "image '", twice == images.end() ? "" : twice->id,
                     "' is listed twice");
  if (limit > 0 && static_cast<std::size_t>(limit) < images.size())
    images.erase(images.begin() + limit, images.end());
  std::vector<ImageEntry> selected;
  for (const std::size_t i : evenly_spread(images.size(), static_cast<std::size_t>(spread)))
    selected.push_back(std::move(images[i]));
  images = std::move(selected);
}

/// By the look of its file.
bool is_readable(const ImageEntry& image) {
  const ImageSource& source = image.source;
  std::error_code error;
  return source.fault.empty() && fs::is_regular_file(source.file, error) &&
         access(source.file.c_str(), R_OK) == 0;
}

void require_readable(const std::vector<ImageEntry>& images) {
  if (std::any_of(images.begin(), images.end(), is_readable)) return;
  std::string why;
  try {
    internal::read_source(images.front().source, 1);
  } catch (const internal::BadImage& fault) {
    why = fault.what();
  }
  const std::string which =
      images.size() == 1 ? "" : cat("none of the ", images.size(), " images can be read: ");
  throw DataError(cat(which, "cannot use '", images.front().source.file.string(), "': ", why));
}

/// Of one JSON array [id, label or null] a line.
std::string hash_of(const std::vector<ImageEntry>& images) {
  std::string lines;
  for (const auto& image : images) {
    try {
      lines +=
          nlohmann::json::array({image.id, image.label ? nlohmann::json(*image.label) : nlohmann::json()})
              .dump() +
          '\n';
    } catch (const nlohmann::json::exception&) {
      throw DataError(
          cat("the name of image '", image.source.file.string(), "' is not valid UTF-8: rename it"));
    }
  }
  return sha256(lines);
}

enum class Given { folder, tar, image, list };

/// What the data set is, a file by its content.
Given kind_of(const fs::path& data) {
  if (fs::is_directory(data)) return Given::folder;
  std::string head;
  try {
    head = internal::read_source(data, internal::head_bytes);
  } catch (const internal::BadImage& fault) {
    throw DataError(cat("cannot read '", data.string(), "': ", fault.what()));
  }
  if (internal::is_tar(head)) return Given::tar;
  const auto unpacker = internal::unpacker_of(internal::bytes_of(head));
  require<DataError>(unpacker.empty(), "'", data.string(), "' is compressed: unpack it with ", unpacker,
                     "; a plain .tar is read in place");
  const internal::Format format = internal::format_of(internal::bytes_of(head));
  static const std::set<std::string> list_types{".txt", ".csv", ".tsv", ".lst", ".list"};
  const bool is_text = head.find('\0') == head.npos;
  const bool begins_as_bmp = format.name == "BMP" && head.size() > 32;  // a name may begin with BM, too
  const bool may_be_list = is_text && (begins_as_bmp || list_types.contains(internal::kind_by_name(data)));
  require<DataError>(format.name.empty() || format.decode || may_be_list, "the format of '", data.string(),
                     "' is ", format.name, ", which is not read; convert it to JPEG or PNG");
  const bool is_image = format.decode || internal::has_image_extension(data);
  return is_image && !may_be_list ? Given::image : Given::list;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  const bool found = fs::exists(path, error);
  require<DataError>(!error, "cannot read '", path.string(), "': ", error.message());
  return found;
}

void check(const DataSetOptions& options) {
  require(options.limit >= 0, "limit ", options.limit, " is negative; 0 means all images");
  require(options.spread >= 0, "spread ", options.spread, " is negative; 0 means all images");
  for (const auto& path : {options.data, options.labels, options.devkit_map})
    require(path.empty() || is_there(path), "no such file or folder: '", path.string(), "'");
  for (const auto& path : {options.labels, options.devkit_map})
    require(path.empty() || !fs::is_directory(path), "'", path.string(),
            "' is a folder, and no file of labels");
  require(!options.data.empty(), "no data set is given");
  require(options.devkit_map.empty() || !options.labels.empty(),
          "a devkit class map is given, but not the devkit's ground truth");
  require(!options.folders_by_rank || options.labels.empty(),
          "'folders_by_rank' and 'labels' both say what the labels are: leave one out");
}

}  // namespace

bool DataSet::labelled() const {
  return std::all_of(images.begin(), images.end(),
                     [](const ImageEntry& image) { return image.label || image.is_folder(); });
}

std::vector<std::size_t> evenly_spread(std::size_t count, std::size_t most) {
  if (most == 0 || most > count) most = count;
  std::vector<std::size_t> selected;
  for (std::size_t i = 0; i < most; ++i) selected.push_back((2 * i + 1) * count / (2 * most));
  return selected;
}

DataSet open_data_set(const DataSetOptions& options, const ClassList& list, int class_count) try {
  check(options);
  const ClassIndex classes(list, class_count);
  const fs::path data = fs::absolute(options.data).lexically_normal();
  const Given given = kind_of(data);
  const bool is_container = given == Given::folder || given == Given::tar;
  require(!options.folders_by_rank || is_container,
          "'folders_by_rank' needs a folder or tar of folders, and '", options.data.string(), "' is none");
  DataSet data_set;
  data_set.root = is_container && data.has_filename() ? data : data.parent_path();
  if (given == Given::list) {
    open_list(data_set, options, classes);
  } else if (given == Given::image) {
    data_set.layout = "single";
    data_set.images = {{data.filename().string(), data}};
  } else {
    open_folder(data_set, options, classes);
  }
  sort_and_select(data_set.images, options.limit, options.spread);
  require_readable(data_set.images);
  if (!options.labels.empty()) internal::assign_labels(data_set, options, classes);
  data_set.sha256 = hash_of(data_set.images);
  return data_set;
} catch (const IoError& failure) {
  throw DataError(failure.what());
}

}  // namespace xai
