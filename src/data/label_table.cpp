#include "label_table.hpp"

#include <algorithm>
#include <set>

#include "formats.hpp"

namespace xai::internal {
namespace {

using Strings = std::vector<std::string>;
using Names = std::set<std::string>;

// names of columns, without case, blanks and underscores; files by how sure the name is
const std::array<Names, 3> file_names{
    Names{"path", "file", "filename", "filenames", "filepath", "imagepath", "imagefile", "imagefilename",
          "imgpath", "imgfile", "fname"},
    Names{"image", "images", "imagename", "imageid", "img", "imgname", "imgid", "photo", "picture"},
    Names{"id", "name"}};
const Names label_names{"label",           "labels",      "labelid",      "labelname", "labelidx",
                        "labelindex",      "class",       "classes",      "classid",   "classname",
                        "classidx",        "classindex",  "classlabel",   "target",    "targets",
                        "category",        "categoryid",  "categoryname", "wnid",      "synset",
                        "synsetid",        "groundtruth", "gt",           "truth",     "y",
                        "predictionstring"};

std::string plain(const std::string& name) {
  std::string result = lower_case(name);
  std::erase_if(result, [](char c) { return c == ' ' || c == '_' || c == '-'; });
  return result;
}

bool names_file(const std::string& name) {
  return std::any_of(file_names.begin(), file_names.end(),
                     [&](const Names& names) { return names.contains(plain(name)); });
}

bool names_label(const std::string& name) {
  return label_names.contains(plain(name));
}

/// The wnid of Kaggle's `wnid x1 y1 x2 y2 ...`; other cells as they are.
std::string label_in(const std::string& cell) {
  const auto words = split_words(cell);
  const auto is_part = [](const std::string& word) { return is_wnid(word) || to_integer(word); };
  const bool kaggle =
      words.size() > 1 && is_wnid(words[0]) && std::all_of(words.begin(), words.end(), is_part);
  return kaggle ? words[0] : cell;
}

/// `path label`, or `path`: the path ends with an image's extension, or before the last word.
Strings split_list(const std::string& line) {
  const std::string text = trimmed(line);
  const std::string blanks = " \t";
  if (text.starts_with('"')) {
    Strings quoted = split_csv(text, ' ');
    quoted.resize(std::max<std::size_t>(2, quoted.size()));
    return quoted;
  }
  const auto parts_at = [&](std::size_t end) {
    return Strings{trimmed(text.substr(0, end)), trimmed(text.substr(end))};
  };
  if (has_image_extension(text)) return {text, ""};
  constexpr std::size_t longest_end = 16;  // of a path, to see its extension
  for (auto end = text.find_first_of(blanks); end != text.npos; end = text.find_first_of(blanks, end + 1)) {
    const std::size_t from = end - std::min(end, longest_end);
    if (has_image_extension(text.substr(from, end - from))) return parts_at(end);
  }
  const auto last = text.find_last_of(blanks);
  return last == text.npos ? Strings{text, ""} : parts_at(last);
}

struct Row {
  Line line;
  Strings fields;  ///< at most as many as there are columns

  /// Empty where the line is too short.
  const std::string& operator[](std::size_t column) const {
    static const std::string none;
    return column < fields.size() ? fields[column] : none;
  }
};

constexpr std::size_t most_columns = 1000;  // each is looked through, row by row

/// Rows, and what is known of their columns.
class Columns {
 public:
  Columns(const TextFile& file, const ClassIndex& classes,
          const std::function<bool(const std::string&)>& is_image)
      : file_(file), classes_(classes), is_image_(is_image) {
    const char delimiter = delimiter_of(file);
    is_list_ = delimiter == ' ';
    for (const Line& line : file.lines) {
      Strings fields = is_list_ ? split_list(line.text) : split(line, delimiter);
      if (std::any_of(fields.begin(), fields.end(), [](const std::string& f) { return !f.empty(); }))
        rows_.push_back({line, std::move(fields)});
    }
    require<DataError>(!rows_.empty(), file.what, " '", file.path.string(), "' is empty");
    take_header();
    width_ = header_.empty() && !rows_.empty() ? rows_[0].fields.size() : header_.size();
    for (Row& row : rows_) {
      while (row.fields.size() > width_ && row.fields.back().empty()) row.fields.pop_back();
      if (row.fields.size() > width_)
        throw file.malformed(row.line, row.fields.size(), " fields, and ", width_, " in the first line");
    }
    require<DataError>(width_ <= most_columns, file.what, " '", file.path.string(), "' has ", width_,
                       " columns, which is more than a table of labels has: give one of path,label");
  }

  bool is_list() const { return is_list_; }
  const std::vector<Row>& rows() const { return rows_; }
  std::string name(std::size_t column) const {
    return header_.empty() ? cat("column ", column + 1) : cat("column \"", header_[column], "\"");
  }

  /// The column of files.
  std::size_t file_column() const {
    if (is_list_) return 0;
    for (const Names& names : file_names) {
      std::vector<std::size_t> named;
      for (std::size_t c = 0; c < header_.size(); ++c)
        if (names.contains(plain(header_[c]))) named.push_back(c);
      if (!named.empty()) return most_images(named).first;
    }
    std::vector<std::size_t> all;
    for (std::size_t c = 0; c < width_; ++c) all.push_back(c);
    const auto [column, images] = most_images(all);
    const bool order_is_known = width_ <= 2 && header_.empty();  // path,label
    require<DataError>(
        images > 0 || order_is_known, file_.what, " '", file_.path.string(),
        "': no column is known to name images: give it a first line with the columns' names, such as "
        "path,label");
    return column;
  }

  /// The column of labels; nothing where there is none.
  std::optional<std::size_t> label_column(std::size_t file) const {
    std::vector<std::size_t> candidates;
    for (std::size_t c = 0; c < width_; ++c)
      if (c != file && (header_.empty() || names_label(header_[c]))) candidates.push_back(c);
    if (header_.empty() && width_ > 2) candidates = likely(candidates);
    if (candidates.empty() && !header_.empty())
      for (std::size_t c = 0; c < width_;
           ++c)  // a name that is not known, but all of it ids or names of classes
        if (c != file && all_of_kind(c, true)) candidates.push_back(c);
    if (candidates.empty()) return std::nullopt;
    std::vector<std::size_t> fitting;
    for (const std::size_t c : candidates)
      if (all_of_kind(c, false)) fitting.push_back(c);
    if (fitting.empty()) return candidates.front();  // whose first bad label will be named
    for (const std::size_t c : fitting) check_agreement(fitting.front(), c);
    return fitting.front();
  }

 private:
  static bool in_quotes(const std::string& line) {
    return std::count(line.begin(), line.end(), '"') % 2 != 0;
  }

  Strings split(const Line& line, char delimiter) const {
    if (in_quotes(line.text)) throw file_.malformed(line, "a quotation mark is not closed");
    return split_csv(line.text, delimiter);
  }

  /// The one that splits all lines alike, or else most of them at all; ' ' for a list.
  static char delimiter_of(const TextFile& file) {
    char best = ' ';
    std::size_t most = file.lines.size() / 2;
    for (const char delimiter : {'\t', ';', ','}) {
      const std::size_t first = split_csv(file.lines.front().text, delimiter).size();
      std::size_t alike = 0, several = 0;
      for (const Line& line : file.lines) {
        const std::size_t fields = split_csv(line.text, delimiter).size();
        alike += fields == first;
        several += fields > 1;
      }
      if (first > 1 && alike == file.lines.size()) return delimiter;
      if (several > most || (first > 1 && several == most && best == ' ')) {
        best = delimiter;
        most = several;
      }
    }
    return best;
  }

  void take_header() {
    const Strings& first = rows_.front().fields;
    const auto is_file = [](const std::string& cell) { return has_image_extension(cell); };
    const auto known = std::count_if(first.begin(), first.end(), [](const std::string& cell) {
      return names_file(cell) || names_label(cell);
    });
    const auto written =
        std::count_if(first.begin(), first.end(), [](const std::string& c) { return !c.empty(); });
    if (known == 0 || (is_list_ && known < written) || std::any_of(first.begin(), first.end(), is_file))
      return;
    header_ = first;
    rows_.erase(rows_.begin());
  }

  std::pair<std::size_t, std::size_t> most_images(const std::vector<std::size_t>& columns) const {
    std::pair<std::size_t, std::size_t> best{columns.front(), 0};
    for (const std::size_t c : columns) {
      const auto images = static_cast<std::size_t>(
          std::count_if(rows_.begin(), rows_.end(), [&](const Row& row) { return is_image_(row[c]); }));
      if (images > best.second) best = {c, images};
    }
    return best;
  }

  /// Every cell is a label; `by_name`: and none is an index.
  bool all_of_kind(std::size_t column, bool by_name) const {
    return !rows_.empty() && std::all_of(rows_.begin(), rows_.end(), [&](const Row& row) {
      const auto meaning = classes_.find(label_in(row[column]));
      return meaning && !(by_name && meaning->kind == LabelKind::index);
    });
  }

  /// Of columns without names those that hold wnids, or else ids and names of classes, or else indices.
  std::vector<std::size_t> likely(const std::vector<std::size_t>& columns) const {
    const auto wnids = [&](std::size_t c) {
      return std::all_of(rows_.begin(), rows_.end(),
                         [c](const Row& row) { return is_wnid(label_in(row[c])); });
    };
    std::array<std::vector<std::size_t>, 3> found;
    for (const std::size_t c : columns) {
      if (wnids(c))
        found[0].push_back(c);
      else if (all_of_kind(c, true))
        found[1].push_back(c);
      else if (all_of_kind(c, false))
        found[2].push_back(c);
    }
    for (auto& some : found)
      if (!some.empty()) return some;
    return {};
  }

  void check_agreement(std::size_t a, std::size_t b) const {
    for (const Row& row : rows_) {
      const int one = classes_.find(label_in(row[a]))->index, other = classes_.find(label_in(row[b]))->index;
      if (one != other)
        throw file_.malformed(row.line, name(a), " says class ", classes_.described(one), " and ", name(b),
                              " class ", classes_.described(other),
                              ": leave in only the one that is the label");
    }
  }

  const TextFile& file_;
  const ClassIndex& classes_;
  const std::function<bool(const std::string&)>& is_image_;
  bool is_list_ = false;
  Strings header_;
  std::vector<Row> rows_;
  std::size_t width_ = 0;
};

}  // namespace

LabelTable read_label_table(const TextFile& file, const ClassIndex& classes,
                            const std::function<bool(const std::string&)>& is_image, bool needs_labels) {
  require<DataError>(!file.lines.front().text.starts_with('{') && !file.lines.front().text.starts_with('['),
                     file.what, " '", file.path.string(),
                     "' is JSON, which is not read: give a table path,label");
  const Columns columns(file, classes, is_image);
  LabelTable table;
  if (columns.rows().empty()) return table;
  const std::size_t path = columns.file_column();
  const auto label = columns.label_column(path);
  require<DataError>(
      label || !needs_labels, file.what, " '", file.path.string(),
      "': no column is known to be the label, or more than one may be: give it a first line with the "
      "columns' names, such as path,label");
  LabelTally tally;
  for (const Row& row : columns.rows()) {
    if (row[path].empty()) throw file.malformed(row.line, "no path; expected path,label");
    table.rows.push_back({row.line, row[path], label ? label_in(row[*label]) : ""});
    const auto meaning = classes.find(table.rows.back().label);
    if (meaning) tally.add(*meaning);
    table.labelled |= !table.rows.back().label.empty();
  }
  if (table.labelled)
    table.understood = columns.is_list() ? cat("a file and a ", tally.kinds(), " a line")
                                         : cat(columns.name(path), " as file, ", columns.name(*label), " as ",
                                               tally.kinds());
  return table;
}

}  // namespace xai::internal
