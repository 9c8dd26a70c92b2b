#pragma once

#include <vector>

#include "findings.hpp"

namespace xai::internal {

/// Every MSE of a grid of at most 4 x 4, by evaluating all 2^(grid * grid) sets.
Task<std::vector<PatchSet>> exhaustive_search(Findings& findings, int grid);

}  // namespace xai::internal
