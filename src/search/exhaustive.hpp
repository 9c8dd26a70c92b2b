#pragma once

#include <vector>

#include "findings.hpp"

namespace xai::internal {

/// Every MSE of at most 16 patches, by evaluating all 2^patches sets.
Task<std::vector<PatchSet>> exhaustive_search(Findings& findings, int patches);

}  // namespace xai::internal
