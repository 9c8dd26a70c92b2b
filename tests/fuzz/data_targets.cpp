#include <algorithm>
#include <set>

#include "targets.hpp"
#include "xai/data/class_list.hpp"
#include "xai/data/data_set.hpp"
#include "xai/data/image.hpp"
#include "xai/store/file_name.hpp"

namespace xai::fuzz {
namespace {

const ClassList four_classes{{"n01440764", "n01443537", "n01484850", "n01491361"},
                             {"tench, Tinca tinca", "goldfish", "great white shark", "tiger shark"}};

/// A folder of photographs; they are listed, and not opened.
std::filesystem::path photographs() {
  for (const char* name : {"a.jpg", "b c.png", "n01440764/1.jpeg", "ILSVRC2012_val_00000002.JPEG"})
    write(std::filesystem::path("photographs") / name, "x");
  return scratch() / "photographs";
}

void check(const DataSet& data_set, int classes) {
  property(!data_set.images.empty(), "no images");
  for (std::size_t i = 0; i < data_set.images.size(); ++i) {
    const auto& [id, source, label] = data_set.images[i];
    property(i == 0 || data_set.images[i - 1].id < id, "ids ascend, each once: ", id);
    property(stays_below(id), "an id stays below the run folder: ", id);
    property(stays_below(file_name_of(id, ".png")), "so does what a run writes of it: ", id);
    property(!label || (*label >= 0 && *label < classes), "a label is a class: ", id);
  }
}

/// Opens it for a model with a class list, and for one without.
void open(const DataSetOptions& options) {
  accepted<UsageError, DataError>([&] { check(open_data_set(options, four_classes, 4), 4); });
  accepted<UsageError, DataError>([&] { check(open_data_set(options, {}, 10), 10); });
}

void open_labelled(Bytes input) {
  static const auto folder = photographs();
  const auto [labels, map] = parts(text_of(input), "\n=map=\n");
  DataSetOptions options{.data = folder, .labels = write("labels/table.csv", labels)};
  if (!map.empty()) options.devkit_map = write("labels/map.txt", map);
  open(options);
}

void open_list(Bytes input) {
  static const auto folder = photographs();
  open({.data = write("photographs/list.txt", text_of(input))});
}

void read_classes(Bytes input) {
  const auto file = write("classes/list", text_of(input));
  ClassList list;
  if (!accepted<DataError, IoError>([&] { list = read_class_list(file); })) return;
  property(!list.ids.empty() && list.ids.size() == list.names.size(), "K ids and names");
  property(std::set<std::string>(list.ids.begin(), list.ids.end()).size() == list.ids.size(), "ids differ");
  const auto classes = static_cast<int>(list.ids.size());
  property(class_of_text(list.ids.back(), list, classes, "target") == classes - 1, "an id means its class");
  constexpr std::size_t longest = 100;  // of what somebody types
  for (const std::string& text : {list.names.front(), std::string(text_of(input).substr(0, longest))})
    accepted<UsageError>([&] { class_of_text(text, list, classes, "target"); });
}

/// With the checksums that its headers should have, without which it ends at the first of them.
std::string with_checksums(std::string_view tar) {
  constexpr std::size_t block = 512, field = 148, digits = 8;
  std::string bytes(tar);
  for (std::size_t at = 0; at + block <= bytes.size(); at += block) {
    if (bytes.compare(at + 257, 5, "ustar") != 0) continue;
    bytes.replace(at + field, digits, digits, ' ');
    unsigned sum = 0;
    for (std::size_t i = 0; i < block; ++i) sum += static_cast<unsigned char>(bytes[at + i]);
    for (std::size_t i = 6; i-- > 0; sum /= 8) bytes[at + field + i] = static_cast<char>('0' + sum % 8);
    bytes[at + field + 6] = '\0';
  }
  return bytes;
}

void open_tar(Bytes input) {
  DataSet data_set;
  const auto open_it = [&](std::string_view content) {
    const auto file = write("tar/photographs.tar", content);
    if (!accepted<UsageError, DataError>([&] { data_set = open_data_set({.data = file}, four_classes, 4); }))
      return;
    check(data_set, 4);
    constexpr long max_pixels = 1 << 12;
    for (const std::size_t i : evenly_spread(data_set.images.size(), 2))
      accepted<DataError>([&] { read_photograph(data_set.images[i].source, max_pixels); });
  };
  open_it(text_of(input));
  open_it(with_checksums(text_of(input)));
}

}  // namespace

std::vector<Target> data_targets() {
  return {{"labels", open_labelled}, {"list", open_list}, {"class_list", read_classes}, {"tar", open_tar}};
}

}  // namespace xai::fuzz
