#pragma once

#include <string_view>

namespace xai {

/// This toolkit's version, "0.1.0".
std::string_view version();

/// The git commit it was built from; empty where it was built outside a checkout.
std::string_view git_commit();

}  // namespace xai
