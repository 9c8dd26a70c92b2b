#pragma once

#include <sstream>
#include <string>

namespace xai {

/// Joins its arguments, each as operator<< prints it, into one string: cat("batch of ", 8).
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

}  // namespace xai
