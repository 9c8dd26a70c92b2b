#pragma once

#include <gtest/gtest.h>

#include <string>

namespace xai {

/// Whether an error's message holds `part`.
inline ::testing::AssertionResult says(const std::string& message, const std::string& part) {
  if (message.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "'" << message << "' does not say '" << part << "'";
}

}  // namespace xai
