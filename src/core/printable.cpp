#include "xai/core/printable.hpp"

#include <algorithm>
#include <cstddef>

namespace xai {
namespace {

/// The bytes of the character that `text` begins with; 0 where that is no UTF-8.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t count = first < 0x80   ? 1
                            : first < 0xC2 ? 0
                            : first < 0xE0 ? 2
                            : first < 0xF0 ? 3
                            : first < 0xF5 ? 4
                                           : 0;
  if (count > text.size()) return 0;
  for (std::size_t i = 1; i < count; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  return count;
}

void add_byte(std::string& result, std::string_view prefix, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(c);
  result += prefix;
  result += digits[value >> 4];
  result += digits[value & 0xF];
}

}  // namespace

std::string printable(std::string_view text, std::string_view kept) {
  std::string result;
  while (!text.empty()) {
    const std::size_t count = character_bytes(text);
    const char c = text.front();
    const bool control = count == 1 && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f);
    if (count == 0) {
      add_byte(result, "\\x", c);
    } else if (count == 2 && text[0] == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0) {
      add_byte(result, "\\u00", text[1]);  // C1, which terminals obey, too
    } else if (!control || kept.find(c) != kept.npos) {
      result += text.substr(0, count);
    } else if (c == '\n') {
      result += "\\n";
    } else {
      add_byte(result, "\\x", c);
    }
    text.remove_prefix(std::max<std::size_t>(1, count));
  }
  return result;
}

}  // namespace xai
