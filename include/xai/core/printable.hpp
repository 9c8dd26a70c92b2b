#pragma once

#include <string>
#include <string_view>

namespace xai {

/// Text that a terminal shows and does not obey: control characters stand as "\n", "\x1b" or "\u009b", bytes
/// that are no UTF-8 as "\xff". `kept`: control characters that stay, such as "\n" in a text of several
/// lines.
std::string printable(std::string_view text, std::string_view kept = "");

}  // namespace xai
