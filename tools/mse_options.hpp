#pragma once

#include "common/search_options.hpp"

namespace xai::tools {

/// Every option of xai-mse.
struct MseToolOptions : SearchOptions {
  long pictures = -1;
  bool save_scores = false;

  void add_to(CLI::App& app);
  void validate() const;
  Json resolved() const;
};

}  // namespace xai::tools
