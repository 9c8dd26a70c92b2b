#pragma once

#include <string>
#include <string_view>

namespace xai {

/// Base64 of `bytes` by RFC 4648, padded with '='.
std::string base64(std::string_view bytes);

}  // namespace xai
