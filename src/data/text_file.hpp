#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xai/core/error.hpp"

namespace xai::internal {

/// A line with its number, from 1.
struct Line {
  long number = 0;
  std::string text;  ///< without blanks at its ends, but for tabs; not empty
};

/// The lines of a text file that hold something, without byte-order mark. Throws DataError for a file that is
/// not text or holds nothing, IoError where it cannot be read. `what` names its role: "labels file".
struct TextFile {
  TextFile(std::string_view what, const std::filesystem::path& path);

  /// The error for one line.
  template <class... Parts>
  DataError malformed(const Line& line, const Parts&... parts) const {
    return DataError(cat(what, " '", path.string(), "', line ", line.number, ": ", parts...));
  }

  std::string what;
  std::filesystem::path path;
  std::vector<Line> lines;
};

/// The fields of one line of CSV, trimmed; a field may be in double quotes, "" inside for one.
std::vector<std::string> split_csv(std::string_view line, char delimiter = ',');

/// The parts between blanks.
std::vector<std::string> split_words(std::string_view line);

/// The integer that all of `text` spells.
std::optional<long> to_integer(std::string_view text);

/// Without blanks at its ends.
std::string trimmed(std::string_view text, std::string_view blanks = " \t\r\n\v\f");

bool is_digit(char c);

std::string lower_case(std::string text);

/// "n" and eight digits.
bool is_wnid(std::string_view text);

}  // namespace xai::internal
