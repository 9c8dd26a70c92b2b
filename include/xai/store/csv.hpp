#pragma once

#include <string>
#include <vector>

namespace xai {

/// One line of a CSV file by RFC 4180: comma, CRLF, cells with comma, quote or line break in double quotes.
std::string csv_line(const std::vector<std::string>& cells);

}  // namespace xai
