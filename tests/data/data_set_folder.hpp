#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "says.hpp"
#include "temporary_folder.hpp"
#include "xai/core/error.hpp"
#include "xai/data/data_set.hpp"

namespace xai {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;
using Labels = std::vector<int>;

inline const Strings classes{"n01440764", "n01443537", "n01484850", "n01491361"};

/// Ids and labels, -1 for none.
inline Strings ids(const DataSet& data_set) {
  Strings out;
  for (const auto& image : data_set.images) out.push_back(image.id);
  return out;
}
inline Labels labels(const DataSet& data_set) {
  Labels out;
  for (const auto& image : data_set.images) out.push_back(image.label.value_or(-1));
  return out;
}

class DataSetFolder : public ::testing::Test {
 protected:
  /// Makes a file below the data folder; no image is opened, so that content does not matter.
  fs::path add(const std::string& id) { return write("data/" + id, "x"); }
  fs::path write(const std::string& name, const std::string& content) {
    const auto path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  void add_validation(int images) {
    for (int i = 1; i <= images; ++i) add(cat("ILSVRC2012_val_0000000", i, ".JPEG"));
  }

  /// Of a model whose classes have these ids, and names that are none; or of 100 classes and no list.
  DataSet open(DataSetOptions options = {}, const Strings& class_ids = classes) {
    return open_named(options, {class_ids, class_ids});
  }
  DataSet open_named(DataSetOptions options, const ClassList& list) {
    if (options.data.empty()) options.data = data_;
    return open_data_set(options, list, list.ids.empty() ? 100 : static_cast<int>(list.ids.size()));
  }
  /// Opens with the labels file of this content.
  DataSet open_labelled(const std::string& content, const Strings& class_ids = classes) {
    return open({.labels = write("label-file", content)}, class_ids);
  }
  DataSet open_devkit(const std::string& truth, const std::string& map) {
    return open({.labels = write("truth.txt", truth), .devkit_map = write("map", map)});
  }

  /// What `action` complains about, which must be an E in one line.
  template <class E, class Action>
  static std::string complaint(const Action& action) {
    try {
      action();
      return "";
    } catch (const Error& error) {
      EXPECT_TRUE(dynamic_cast<const E*>(&error)) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
  }

  TemporaryFolder folder_;
  fs::path data_ = folder_ / "data";
};

}  // namespace xai
