#include "labels.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "formats.hpp"
#include "xai/core/error.hpp"

namespace xai::internal {
namespace {

namespace fs = std::filesystem;

/// The names under which a labels file may mention an image, the fullest first: its path in the data set, its
/// file's name, and those without extension; its path from a folder above on.
std::vector<std::string> names_of(const std::string& id, const fs::path& root) {
  const fs::path path(id);
  std::vector<std::string> names{id, fs::path(path).replace_extension().generic_string(),
                                 path.filename().string(), path.stem().string()};
  std::string longer = id;
  for (fs::path above = root; above.has_filename(); above = above.parent_path()) {
    longer = cat(above.filename().string(), "/", longer);
    names.push_back(longer);
  }
  return names;
}

void assign_by_path(DataSet& data_set, const TextFile& file, const ClassIndex& classes) {
  std::unordered_set<std::string> all_names;
  for (const auto& image : data_set.images)
    for (auto& name : names_of(image.id, data_set.root)) all_names.insert(std::move(name));
  const auto is_image = [&](const std::string& cell) {
    return has_image_extension(cell) || all_names.contains(image_id(cell, data_set.root));
  };
  const LabelTable table = read_label_table(file, classes, is_image, true);
  require<DataError>(!table.rows.empty(), file.what, " '", file.path.string(),
                     "' holds the columns' names and nothing else");
  struct Known {
    int label;
    long line;
    const ImageEntry* image = nullptr;  ///< the one it was given to
  };
  std::unordered_map<std::string, Known> known;
  for (const PathLabel& row : table.rows) {
    if (row.label.empty()) throw file.malformed(row.line, "no label; expected a path and a label");
    const Known entry{meaning_of(row, file, classes).index, row.line.number};
    const auto [earlier, is_new] = known.insert({image_id(row.path, data_set.root), entry});
    if (!is_new && earlier->second.label != entry.label)
      throw file.malformed(row.line, "'", row.path, "' already has a label in line ", earlier->second.line,
                           ", another one");
  }
  note_labels(data_set, file, table, classes);
  for (auto& image : data_set.images) {
    if (image.is_folder()) continue;
    const auto names = names_of(image.id, data_set.root);
    const auto name =
        std::find_if(names.begin(), names.end(), [&](auto& key) { return known.contains(key); });
    require<DataError>(name != names.end(), "image '", image.id, "' has no label in '", file.path.string(),
                       "', whose paths look like '", table.rows.front().path, "'");
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
  require(
      !map.empty(), "'", file.path.string(),
      "' holds nothing but numbers, as the devkit's ground truth, which numbers classes in an order of its "
      "own: "
      "give the devkit's class map too (ILSVRC2012_ID and WNID); labels of your own need the files' names, "
      "path,label");
  require(classes.has_list(), "the devkit's labels '", file.path.string(),
          "' need the model's class ids (wnids)");
  const auto wnid_of = read_devkit_map(map);
  std::vector<int> labels;
  for (const Line& line : file.lines) {
    const auto wnid = wnid_of.find(*to_integer(trimmed(line.text)));
    if (wnid == wnid_of.end())
      throw file.malformed(line, "class ", line.text, " is not in the class map '", map.string(), "'");
    labels.push_back(meaning_of({line, "", wnid->second}, file, classes).index);
  }
  for (auto& image : data_set.images) {
    if (image.is_folder()) continue;
    const auto number = validation_number(image.id);
    require<DataError>(number && *number >= 1 && *number <= static_cast<long>(labels.size()), "image '",
                       image.id, "' has no label: the devkit's '", file.path.string(),
                       "' is for ILSVRC2012_val_00000001 to ", labels.size());
    image.label = labels[static_cast<std::size_t>(*number - 1)];
  }
}

}  // namespace

ClassIndex::Meaning meaning_of(const PathLabel& row, const TextFile& file, const ClassIndex& classes) {
  const auto meaning = classes.find(row.label);
  if (!meaning) throw file.malformed(row.line, classes.refusal("label", row.label));
  return *meaning;
}

void note_labels(DataSet& data_set, const TextFile& file, const LabelTable& table,
                 const ClassIndex& classes) {
  if (!table.labelled) return;
  data_set.notes.push_back(cat(file.what, " '", file.path.string(), "': ", table.understood));
  LabelTally tally;
  for (const PathLabel& row : table.rows) tally.add(meaning_of(row, file, classes));
  const std::string note = tally.note(cat("no label in '", file.path.string(), "' is 0"), classes);
  if (!note.empty()) data_set.notes.push_back(note);
}

std::string image_id(const fs::path& path, const fs::path& root) {
  const fs::path full = (root / path).lexically_normal();
  const fs::path relative = full.lexically_relative(root);
  return (*relative.begin() == ".." ? full.relative_path() : relative).generic_string();
}

void assign_labels(DataSet& data_set, const DataSetOptions& options, const ClassIndex& classes) {
  const TextFile file("labels file", options.labels);
  const bool is_devkit = std::all_of(file.lines.begin(), file.lines.end(), [](const Line& line) {
    return to_integer(trimmed(line.text)).has_value();
  });
  if (is_devkit) return assign_by_devkit(data_set, file, options.devkit_map, classes);
  require(options.devkit_map.empty(), "a devkit class map is given, but '", file.path.string(),
          "' is not the devkit's ground truth");
  assign_by_path(data_set, file, classes);
}

}  // namespace xai::internal
