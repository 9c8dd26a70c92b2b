#pragma once

#include <string_view>

#include "xai/store/run_kind.hpp"

namespace xai {

// What each tool writes into its run's folder. Their summaries are made from run.json's options, model, data
// and seed; a run.json that lacks one of them throws DataError.

const RunKind& mse_kind();
const RunKind& subexp_kind();
const RunKind& saliency_kind();
const RunKind& crosstest_kind();

/// The one of these tools' whose name this is; null where it is none's.
const RunKind* kind_of(std::string_view tool);

}  // namespace xai
