#pragma once

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "xai/data/class_list.hpp"

namespace xai::internal {

/// What a label's text can be of a class.
enum class LabelKind { id, name, index };

/// A model's classes, by what the text of a label says: the one rule for names of folders and cells of
/// tables.
class ClassIndex {
 public:
  struct Meaning {
    int index;
    LabelKind kind;
  };

  /// `count`: K, where the list is empty; 0: unknown.
  ClassIndex(const ClassList& classes, int count);

  bool has_list() const { return !names_.empty(); }
  int count() const { return count_; }
  /// "7", or "7 (tench)" where names are known.
  std::string described(int index) const;

  /// What a label means; nothing where it is none.
  std::optional<Meaning> find(const std::string& text) const;
  /// Why it is none: "label 'x' is ...", where `what` is "label".
  std::string refusal(const std::string& what, const std::string& text) const;
  /// What find() looks for.
  std::string looked_for() const;

 private:
  /// The classes that a text may name: one, or the first two.
  struct Named {
    int first = -1, second = -1;
  };
  using Names = std::unordered_map<std::string, Named>;
  static void add(Names& names, const std::string& text, int index);
  const Named* named(const std::string& text) const;
  /// The index that a number stands for, whether there is such a class or not.
  std::optional<long> number(const std::string& text) const;

  std::unordered_map<std::string, int> by_id_;
  Names by_name_, by_folded_name_;
  std::vector<std::string> names_;
  std::string example_id_;
  int count_;
  bool numbers_are_names_ = false;  ///< an id or a name is a number, so a number is no index
};

/// What the labels of a data set look like, for what the log says of them.
class LabelTally {
 public:
  void add(ClassIndex::Meaning meaning);
  /// "class id", "class index or class name".
  std::string kinds() const;
  /// A line where all are indices and none is 0; or "". `what`: "no label is 0".
  std::string note(const std::string& what, const ClassIndex& classes) const;

 private:
  std::array<bool, 3> seen_{};
  int lowest_ = std::numeric_limits<int>::max();
};

}  // namespace xai::internal
