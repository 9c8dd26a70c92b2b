#include <algorithm>
#include <numeric>
#include <utility>

#include "class_index.hpp"
#include "text_file.hpp"
#include "xai/core/error.hpp"

namespace xai {
namespace {

using internal::lower_case;
using Names = std::vector<std::string>;

constexpr std::size_t most_suggested = 3;
constexpr std::size_t longest_typed = 200;  // bytes; distances take the product of two lengths

/// The fewest bytes to insert, remove or replace.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (const char c : a) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j)
      diagonal =
          std::exchange(row[j + 1], std::min({row[j] + 1, row[j + 1] + 1, diagonal + (c == b[j] ? 0 : 1)}));
  }
  return row.back();
}

/// " (close: tabby; tiger cat)"; nothing where no id or name is.
std::string close_ones(const std::string& text, const ClassList& classes) {
  if (text.size() > longest_typed) return "";
  const std::string wanted = lower_case(text);
  const std::size_t farthest = std::max<std::size_t>(1, wanted.size() / 3);
  std::vector<std::pair<std::size_t, std::string>> close;
  for (const Names* names : {&classes.ids, &classes.names})
    for (const std::string& known : *names) {
      const std::string low = lower_case(known);
      const bool holds = wanted.size() > 2 && low.find(wanted) != std::string::npos;
      if (!holds && low.size() > wanted.size() + farthest) continue;
      const std::size_t distance = holds ? 1 : edit_distance(wanted, low);
      if (distance <= farthest) close.emplace_back(distance, known);
    }
  std::stable_sort(close.begin(), close.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Names shown;
  for (const auto& [distance, known] : close)
    if (shown.size() < most_suggested && std::find(shown.begin(), shown.end(), known) == shown.end())
      shown.push_back(known);
  std::string list;
  for (const std::string& known : shown) list += (list.empty() ? "" : "; ") + known;
  return list.empty() ? "" : cat(" (close: ", list, ")");
}

}  // namespace

int class_of_text(const std::string& text, const ClassList& classes, int count, const std::string& what) {
  const internal::ClassIndex index(classes, count);
  const auto meaning = index.find(text);
  require(meaning.has_value(), index.refusal(what, text), close_ones(text, classes));
  return meaning->index;
}

}  // namespace xai
