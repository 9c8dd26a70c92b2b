#include "xai/data/data_set.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "labels.hpp"
#include "xai/core/error.hpp"
#include "xai/core/hash.hpp"

namespace xai {
namespace {

namespace fs = std::filesystem;
using internal::ClassIndex;

/// Deeper than any data set; reached through a symbolic link to a folder above.
constexpr int deepest_folder = 16;

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

std::vector<ImageEntry> images_below(const fs::path& root) {
  std::vector<ImageEntry> images;
  try {
    const auto follow = fs::directory_options::follow_directory_symlink;
    for (fs::recursive_directory_iterator it(root, follow), end; it != end; ++it) {
      require<DataError>(it.depth() <= deepest_folder, "folders are nested deeper than ", deepest_folder,
                         " at '", it->path().string(), "': a loop of symbolic links?");
      std::error_code broken_link;  // an image that is missing, which its own record will say
      if (is_hidden(*it))
        it.disable_recursion_pending();
      else if (internal::has_image_extension(*it) && !it->is_directory(broken_link))
        images.push_back({internal::image_id(it->path(), root), it->path(), std::nullopt});
    }
  } catch (const fs::filesystem_error& error) {
    throw DataError(cat("cannot read folder '", root.string(), "': ", error.what()));
  }
  require<DataError>(!images.empty(), "no images in '", root.string(), "': looked for ",
                     internal::image_extensions, " in it and its folders");
  return images;
}

/// The first folder of an id; "" for an image that lies in the root.
std::string top_folder(const std::string& id) {
  const auto slash = id.find('/');
  return slash == std::string::npos ? "" : id.substr(0, slash);
}

bool are_class_folders(const std::vector<ImageEntry>& images, const std::set<std::string>& folders,
                       const ClassIndex& classes) {
  const auto is_class = [&classes](const std::string& name) {
    return internal::is_wnid(name) || classes.find(name).has_value();
  };
  if (std::any_of(folders.begin(), folders.end(), is_class)) return true;
  const auto in_folder = [](const ImageEntry& image) {
    return std::count(image.id.begin(), image.id.end(), '/') == 1;
  };
  return classes.empty() && folders.size() > 1 && std::all_of(images.begin(), images.end(), in_folder);
}

/// Labels the images of class folders; leaves those of other layouts as they are.
void label_by_folders(DataSet& data_set, const ClassIndex& classes) {
  std::set<std::string> folders;
  for (const auto& image : data_set.images) folders.insert(top_folder(image.id));
  if (!are_class_folders(data_set.images, folders, classes)) {
    if (folders.size() > 1)
      data_set.warnings.push_back(cat("the folders in '", data_set.root.string(),
                                      "' are not named by class ids: the images are taken as unlabelled"));
    return;
  }
  data_set.layout = "class-folders";
  for (auto& image : data_set.images) {
    const std::string folder = top_folder(image.id);
    require<DataError>(!folder.empty(), "image '", image.id, "' lies beside the class folders in '",
                       data_set.root.string(), "', not in one");
    image.label = classes.empty() ? static_cast<int>(std::distance(folders.begin(), folders.find(folder)))
                                  : classes.find(folder);
    require<DataError>(image.label.has_value(), "folder '", folder, "' in '", data_set.root.string(),
                       "' is not named by a class id of the model");
  }
  if (classes.empty())
    data_set.warnings.push_back(cat("no class ids are known: the ", folders.size(), " folders in '",
                                    data_set.root.string(), "' are taken as classes 0 to ",
                                    folders.size() - 1));
}

void open_folder(DataSet& data_set, const DataSetOptions& options, const ClassIndex& classes) {
  data_set.layout = "flat";
  data_set.images = images_below(data_set.root);
  if (options.labels.empty()) label_by_folders(data_set, classes);
}

void open_list(DataSet& data_set, const DataSetOptions& options, const ClassIndex& classes) {
  data_set.layout = "list";
  const internal::TextFile file("image list", options.data);
  const auto rows = internal::read_path_labels(file);
  require<DataError>(!rows.empty(), "no images in the list '", file.path.string(), "'");
  const bool labelled = !rows.front().label.empty();
  require(!labelled || options.labels.empty(), "both '", file.path.string(), "' and '",
          options.labels.string(), "' give labels: use one of them");
  for (const auto& [line, path, label] : rows) {
    if (label.empty() == labelled) throw file.malformed(line, "some lines have a label and some have none");
    ImageEntry image{internal::image_id(path, data_set.root), data_set.root / path, std::nullopt};
    if (!fs::exists(image.path))
      throw file.malformed(line, "image '", image.path.string(), "' does not exist");
    if (labelled) image.label = classes.of_label(label, file, line);
    data_set.images.push_back(std::move(image));
  }
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
      throw DataError(cat("the name of image '", image.path.string(), "' is not valid UTF-8: rename it"));
    }
  }
  return sha256(lines);
}

}  // namespace

bool DataSet::labelled() const {
  return std::all_of(images.begin(), images.end(),
                     [](const ImageEntry& image) { return image.label.has_value(); });
}

std::vector<std::size_t> evenly_spread(std::size_t count, std::size_t most) {
  if (most == 0 || most > count) most = count;
  std::vector<std::size_t> selected;
  for (std::size_t i = 0; i < most; ++i) selected.push_back((2 * i + 1) * count / (2 * most));
  return selected;
}

DataSet open_data_set(const DataSetOptions& options, const std::vector<std::string>& class_ids) {
  require(options.limit >= 0, "limit ", options.limit, " is negative; 0 means all images");
  require(options.spread >= 0, "spread ", options.spread, " is negative; 0 means all images");
  for (const auto& path : {options.data, options.labels, options.devkit_map})
    require(path.empty() || fs::exists(path), "no such file or folder: '", path.string(), "'");
  require(!options.data.empty(), "no data set is given");
  require(options.devkit_map.empty() || !options.labels.empty(),
          "a devkit class map is given, but not the devkit's ground truth");

  const ClassIndex classes(class_ids);
  const bool is_folder = fs::is_directory(options.data);
  const fs::path data = fs::absolute(options.data).lexically_normal();
  DataSet data_set;
  data_set.root = is_folder && data.has_filename() ? data : data.parent_path();
  if (is_folder) {
    open_folder(data_set, options, classes);
  } else if (internal::has_image_extension(data)) {
    data_set.layout = "single";
    data_set.images = {{data.filename().string(), data, std::nullopt}};
  } else {
    open_list(data_set, options, classes);
  }
  sort_and_select(data_set.images, options.limit, options.spread);
  if (!options.labels.empty()) internal::assign_labels(data_set, options, classes);
  data_set.sha256 = hash_of(data_set.images);
  return data_set;
}

}  // namespace xai
