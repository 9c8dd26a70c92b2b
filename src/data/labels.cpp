#include "labels.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <set>

namespace xai::internal {
namespace {

namespace fs = std::filesystem;

bool is_header(const std::vector<std::string>& fields) {
  static const std::set<std::string> names{"path", "image",    "imageid", "image_id",
                                           "file", "filename", "id",      "name"};
  return names.contains(lower_case(fields[0]));
}

std::vector<PathLabel> read_csv_labels(const TextFile& file) {
  std::vector<PathLabel> rows;
  bool is_kaggle = false;
  for (const Line& line : file.lines) {
    auto fields = split_csv(line.text);
    if (&line == &file.lines.front() && is_header(fields)) {
      is_kaggle = fields.size() == 2 && lower_case(fields[1]) == "predictionstring";
      continue;
    }
    if (fields.size() > 2 || fields[0].empty()) throw file.malformed(line, "expected path,label");
    fields.resize(2);
    // Kaggle: wnid x1 y1 x2 y2, repeated
    if (const auto words = split_words(fields[1]); is_kaggle && !words.empty()) fields[1] = words[0];
    rows.push_back({line, fields[0], fields[1]});
  }
  return rows;
}

std::vector<PathLabel> read_list(const TextFile& file) {
  std::vector<PathLabel> rows;
  for (const Line& line : file.lines) {
    const auto blank = line.text.find_last_of(" \t");
    if (blank == std::string::npos || has_image_extension(line.text)) {
      rows.push_back({line, line.text, ""});
    } else {
      const auto path_end = line.text.find_last_not_of(" \t", blank) + 1;
      rows.push_back({line, line.text.substr(0, path_end), line.text.substr(blank + 1)});
    }
  }
  return rows;
}

/// The names under which a labels file may mention an image, the fullest first.
std::array<std::string, 4> names_of(const std::string& id) {
  const fs::path path(id);
  return {id, fs::path(path).replace_extension().generic_string(), path.filename().string(),
          path.stem().string()};
}

void assign_by_path(DataSet& data_set, const TextFile& file, const ClassIndex& classes) {
  struct Known {
    int label;
    long line;
    const ImageEntry* image = nullptr;  ///< the one it was given to
  };
  std::unordered_map<std::string, Known> known;
  for (const auto& [line, path, label] : read_path_labels(file)) {
    if (label.empty()) throw file.malformed(line, "no label; expected a path and a label");
    const Known entry{classes.of_label(label, file, line), line.number};
    const auto [earlier, is_new] = known.insert({image_id(path, data_set.root), entry});
    if (!is_new)
      throw file.malformed(line, "'", path, "' already has a label in line ", earlier->second.line);
  }
  for (auto& image : data_set.images) {
    const auto names = names_of(image.id);
    const auto name =
        std::find_if(names.begin(), names.end(), [&](auto& key) { return known.contains(key); });
    require<DataError>(name != names.end(), "image '", image.id, "' has no label in '", file.path.string(),
                       "'");
    Known& entry = known.at(*name);
    require<DataError>(!entry.image, "the label in '", file.path.string(), "', line ", entry.line,
                       ", fits both '", entry.image ? entry.image->id : "", "' and '", image.id,
                       "': give their paths there");
    entry.image = &image;
    image.label = entry.label;
  }
}

/// The wnid of each ILSVRC2012_ID.
std::unordered_map<long, std::string> read_devkit_map(const fs::path& path) {
  const TextFile file("devkit class map", path);
  const auto split = [](const Line& line) {
    return line.text.find(',') != std::string::npos ? split_csv(line.text) : split_words(line.text);
  };
  const auto header = split(file.lines.front());
  const auto column = [&header](const char* name) {
    return static_cast<std::size_t>(std::find(header.begin(), header.end(), name) - header.begin());
  };
  std::size_t id_column = column("ILSVRC2012_ID"), wnid_column = column("WNID");
  const bool has_header = id_column < header.size() && wnid_column < header.size();
  if (!has_header) {
    wnid_column = is_wnid(header[0]) ? 0 : 1;
    id_column = 1 - wnid_column;
  }
  std::unordered_map<long, std::string> wnid_of;
  for (const Line& line : file.lines) {
    if (has_header && &line == &file.lines.front()) continue;
    const auto fields = split(line);
    const auto id = fields.size() > id_column ? to_integer(fields[id_column]) : std::nullopt;
    if (!id || fields.size() <= wnid_column || !is_wnid(fields[wnid_column]))
      throw file.malformed(line, "expected an ILSVRC2012_ID and a WNID, like '1 n02119789'");
    if (!wnid_of.insert({*id, fields[wnid_column]}).second)
      throw file.malformed(line, "ILSVRC2012_ID ", *id, " is given twice");
  }
  return wnid_of;
}

/// k of ILSVRC2012_val_0000000k.
std::optional<long> validation_number(const std::string& id) {
  constexpr std::string_view prefix = "ILSVRC2012_val_";
  const std::string stem = fs::path(id).stem().string();
  if (!stem.starts_with(prefix)) return std::nullopt;
  return to_integer(std::string_view(stem).substr(prefix.size()));
}

void assign_by_devkit(DataSet& data_set, const TextFile& file, const fs::path& map,
                      const ClassIndex& classes) {
  require(!map.empty(), "'", file.path.string(),
          "' numbers classes in the devkit's own order: give the devkit's class map too (ILSVRC2012_ID and "
          "WNID)");
  require(!classes.empty(), "the devkit's labels '", file.path.string(),
          "' need the model's class ids (wnids)");
  const auto wnid_of = read_devkit_map(map);
  std::vector<int> labels;
  for (const Line& line : file.lines) {
    const auto wnid = wnid_of.find(*to_integer(line.text));
    if (wnid == wnid_of.end())
      throw file.malformed(line, "class ", line.text, " is not in the class map '", map.string(), "'");
    labels.push_back(classes.of_label(wnid->second, file, line));
  }
  for (auto& image : data_set.images) {
    const auto number = validation_number(image.id);
    require<DataError>(number && *number >= 1 && *number <= static_cast<long>(labels.size()), "image '",
                       image.id, "' has no label: the devkit's '", file.path.string(),
                       "' is for ILSVRC2012_val_00000001 to ", labels.size());
    image.label = labels[static_cast<std::size_t>(*number - 1)];
  }
}

}  // namespace

ClassIndex::ClassIndex(const std::vector<std::string>& class_ids) {
  for (const auto& id : class_ids) index_of_.insert({id, static_cast<int>(index_of_.size())});
  require(index_of_.size() == class_ids.size(), "the model's class ids are not different from each other");
}

std::optional<int> ClassIndex::find(const std::string& id) const {
  const auto entry = index_of_.find(id);
  return entry == index_of_.end() ? std::nullopt : std::optional(entry->second);
}

int ClassIndex::of_label(const std::string& label, const TextFile& file, const Line& line) const {
  if (const auto index = to_integer(label)) {
    const long last = empty() ? std::numeric_limits<int>::max() : static_cast<long>(index_of_.size()) - 1;
    if (*index < 0 || *index > last) throw file.malformed(line, "label ", label, " is not in 0..", last);
    return static_cast<int>(*index);
  }
  if (empty())
    throw file.malformed(line, "label '", label, "' is not an index, and the model has no class ids");
  const auto index = find(label);
  if (!index) throw file.malformed(line, "label '", label, "' is no class of the model");
  return *index;
}

std::vector<PathLabel> read_path_labels(const TextFile& file) {
  const bool is_csv = file.lines.front().text.find(',') != std::string::npos;
  return is_csv ? read_csv_labels(file) : read_list(file);
}

std::string image_id(const fs::path& path, const fs::path& root) {
  const fs::path full = (root / path).lexically_normal();
  const fs::path relative = full.lexically_relative(root);
  return (*relative.begin() == ".." ? full.relative_path() : relative).generic_string();
}

bool has_image_extension(const fs::path& path) {
  const auto words = split_words(image_extensions);
  return std::find(words.begin(), words.end(), lower_case(path.extension().string())) != words.end();
}

void assign_labels(DataSet& data_set, const DataSetOptions& options, const ClassIndex& classes) {
  const TextFile file("labels file", options.labels);
  const bool is_devkit = std::all_of(file.lines.begin(), file.lines.end(),
                                     [](const Line& line) { return to_integer(line.text).has_value(); });
  if (is_devkit) return assign_by_devkit(data_set, file, options.devkit_map, classes);
  require(options.devkit_map.empty(), "a devkit class map is given, but '", file.path.string(),
          "' is not the devkit's ground truth");
  assign_by_path(data_set, file, classes);
}

}  // namespace xai::internal
