#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "xai/core/json.hpp"
#include "xai/core/printable.hpp"

namespace xai::internal {

// What the tables of all tools are made of.

using Row = std::vector<std::string>;

/// A number with so many decimals; "-" for null.
inline std::string fixed(const Json& number, int decimals) {
  if (number.is_null()) return "-";
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", decimals, number.get<double>());
  return text;
}

/// A cell of a CSV file: a string as it is, nothing for null, else JSON.
inline std::string csv_cell(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

/// Lines of aligned cells, printable(), `gap` spaces apart: the first `left` columns to the left, the others
/// to the right.
inline std::string text_table(std::vector<Row> rows, std::size_t left, std::size_t gap = 2) {
  for (Row& row : rows)
    for (std::string& cell : row) cell = printable(cell);
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      text += (i < left ? row[i] + space : space + row[i]) +
              (i + 1 < row.size() ? std::string(gap, ' ') : std::string("\n"));
    }
  return text;
}

}  // namespace xai::internal
