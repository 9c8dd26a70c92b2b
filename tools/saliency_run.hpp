#pragma once

#include <string>
#include <vector>

#include "common/app.hpp"
#include "saliency_options.hpp"

namespace xai::tools {

/// A session of xai-saliency: makes the maps of a data set that the run folder has not yet.
ExitCode run_saliency(const SaliencyToolOptions& options, const std::vector<std::string>& command);

}  // namespace xai::tools
