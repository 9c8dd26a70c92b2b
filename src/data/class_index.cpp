#include "class_index.hpp"

#include <algorithm>

#include "text_file.hpp"
#include "xai/core/error.hpp"

namespace xai::internal {
namespace {

/// Forgives case, and underscores for blanks.
std::string folded(const std::string& text) {
  std::string result = lower_case(trimmed(text));
  std::replace(result.begin(), result.end(), '_', ' ');
  return result;
}

/// The digits of an integer, as pandas writes them too: "7", "7.0", "-7".
std::string_view digits_of(std::string_view text) {
  if (text.ends_with(".0")) text.remove_suffix(2);
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  return !digits.empty() && std::all_of(digits.begin(), digits.end(), is_digit) ? text : "";
}

}  // namespace

ClassIndex::ClassIndex(const ClassList& classes, int count) : names_(classes.names), count_(count) {
  if (!classes.ids.empty()) {
    count_ = static_cast<int>(classes.ids.size());
    example_id_ = classes.ids.front();
  }
  if (names_.empty()) names_ = classes.ids;
  for (const std::string& id : classes.ids) {
    const int index = static_cast<int>(by_id_.size());
    require(by_id_.insert({id, index}).second, "the model's class ids are not different from each other");
    const std::string& name = names_[static_cast<std::size_t>(index)];
    add(by_name_, name, index);
    for (const std::string& text : {id, name, name.substr(0, name.find(','))})
      add(by_folded_name_, folded(text), index);
    numbers_are_names_ |= !digits_of(id).empty() || !digits_of(name).empty();
  }
}

void ClassIndex::add(Names& names, const std::string& text, int index) {
  Named& entry = names[text];
  if (entry.first < 0)
    entry.first = index;
  else if (entry.first != index && entry.second < 0)
    entry.second = index;
}

const ClassIndex::Named* ClassIndex::named(const std::string& text) const {
  if (const auto exact = by_name_.find(text); exact != by_name_.end()) return &exact->second;
  const auto forgiven = by_folded_name_.find(folded(text));
  return forgiven != by_folded_name_.end() ? &forgiven->second : nullptr;
}

std::optional<long> ClassIndex::number(const std::string& text) const {
  const std::string_view digits = digits_of(text);
  if (digits.empty()) return std::nullopt;
  const long beyond =
      digits.starts_with('-') ? -1 : std::numeric_limits<long>::max();  // of what a long holds
  return to_integer(digits).value_or(beyond);
}

std::string ClassIndex::described(int index) const {
  const auto i = static_cast<std::size_t>(index);
  return i < names_.size() ? cat(index, " (", names_[i], ")") : cat(index);
}

std::optional<ClassIndex::Meaning> ClassIndex::find(const std::string& text) const {
  if (const auto id = by_id_.find(text); id != by_id_.end()) return Meaning{id->second, LabelKind::id};
  if (const Named* const name = named(text))
    return name->second < 0 ? std::optional(Meaning{name->first, LabelKind::name}) : std::nullopt;
  const std::optional<long> index = numbers_are_names_ ? std::nullopt : number(text);
  const long end = count_ > 0 ? count_ : std::numeric_limits<int>::max();
  if (!index || *index < 0 || *index >= end) return std::nullopt;
  return Meaning{static_cast<int>(*index), LabelKind::index};
}

std::string ClassIndex::refusal(const std::string& what, const std::string& text) const {
  const std::string subject = cat(what, " '", text, "'");
  if (const Named* const name = named(text); name && name->second >= 0) {
    const auto id = [&](int index) {
      const auto known = std::find_if(by_id_.begin(), by_id_.end(),
                                      [index](const auto& entry) { return entry.second == index; });
      return cat(index, " (", known->first, ")");
    };
    return cat(subject, " is the name of several classes, ", id(name->first), " and ", id(name->second),
               ": give the class id");
  }
  const auto index = number(text);
  if (index && !numbers_are_names_)
    return cat(subject, " is not in 0..", count_ - 1,
               *index == count_ ? ": are the labels 1-based? The model's classes count from 0" : "");
  return cat(subject, " is no class of the model: looked for ", looked_for());
}

std::string ClassIndex::looked_for() const {
  const std::string indices = count_ > 0 ? cat("an index 0..", count_ - 1) : "an index 0, 1, ...";
  if (!has_list()) return cat(indices, " (the model's card has no class ids or names)");
  const std::string named =
      cat("a class id (like ", example_id_, ") or a class name (like '", names_.front(), "')");
  return numbers_are_names_ ? cat(named, "; numbers are ids or names here, and no indices")
                            : cat(named, " or ", indices);
}

void LabelTally::add(ClassIndex::Meaning meaning) {
  seen_[static_cast<std::size_t>(meaning.kind)] = true;
  lowest_ = std::min(lowest_, meaning.index);
}

std::string LabelTally::kinds() const {
  constexpr std::array<const char*, 3> names{"class id", "class name", "class index"};
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (seen_[i]) text += cat(text.empty() ? "" : " or ", names[i]);
  return text;
}

std::string LabelTally::note(const std::string& what, const ClassIndex& classes) const {
  const bool indices = seen_ == std::array<bool, 3>{false, false, true};
  if (!indices || lowest_ == 0) return "";
  return cat(what, ": the lowest, ", lowest_, ", is taken for class ", classes.described(lowest_),
             "; classes count from 0");
}

}  // namespace xai::internal
