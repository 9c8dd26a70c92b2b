#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace xai {

/// A model's classes, in the order of its outputs: ids (wnids for ImageNet) and names for people.
struct ClassList {
  std::vector<std::string> ids;    ///< K different strings
  std::vector<std::string> names;  ///< K strings, the id where the file has no name
};

/// Reads a class list, the format found by content:
///   CSV            index,wnid,name (header optional, name optional, fields may be quoted)
///   JSON           {"0": ["n01440764", "tench"], ...}, as Keras' imagenet_class_index.json
///   synset mapping n01440764 tench, Tinca tinca (Kaggle's LOC_synset_mapping.txt: line order = index)
///   plain list     one id a line, in index order
/// Indices must be 0..K-1, each once; ids must be different. Throws DataError naming the file and
/// the place, IoError where it cannot be read.
ClassList read_class_list(const std::filesystem::path& file);

/// The class that `text` means, by the rule for labels (open_data_set()), to a model of K = `count` classes,
/// which `classes` lists or is empty. Throws UsageError "`what` 'text' is ...", which names what is close.
int class_of_text(const std::string& text, const ClassList& classes, int count, const std::string& what);

}  // namespace xai
