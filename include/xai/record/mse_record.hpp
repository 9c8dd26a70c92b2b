#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "xai/core/json.hpp"
#include "xai/record/image_facts.hpp"
#include "xai/search/estimate.hpp"
#include "xai/search/mse.hpp"

namespace xai {

// The records of xai-mse, one for each image, all with the fields of SPEC 8 in its order
// (docs/output-format.md, docs/schema/mse-record.schema.json). Counts of a search that did not take place are
// null.

/// Of an image that was searched: status "ok", "baseline-sufficient", or "skipped" for zero probability or
/// another class.
Json mse_record(const ImageFacts& facts, const MseOptions& options, const MseResult& result);

/// The field `estimate` of a record: null where there is none. `seed`: of the run.
Json estimate_json(const std::optional<EstimateResult>& estimate, std::uint64_t seed);

/// Of an image that was not searched. Status "skipped", by the user's wish: reason "wrong",
/// "low-probability". Status "error": the reason is one line that says why it could not be analysed.
Json blank_mse_record(const ImageFacts& facts, const MseOptions& options, std::string_view status,
                      std::string_view reason);

/// The result that mse_record() made a record with status "ok" of. Throws DataError where it is no such
/// record.
MseResult read_mse_record(const Json& record);

}  // namespace xai
