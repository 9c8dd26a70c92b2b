#pragma once

#include <filesystem>

namespace xai {

/// The Python of .venv, which has PIL and scikit-learn; not there before scripts/setup.sh has run.
inline std::filesystem::path python() {
  return std::filesystem::path(XAI_SOURCE_DIR) / ".venv/bin/python";
}

}  // namespace xai
