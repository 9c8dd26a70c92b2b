#pragma once

#include <optional>
#include <string>

#include "xai/core/json.hpp"
#include "xai/record/summary_parts.hpp"
#include "xai/search/sub_explanations.hpp"

namespace xai {

/// What xai-subexp says of an image whose MSEs were counted from.
struct CountedImage {
  SubExplanations counts;
  std::optional<TreeEstimate> estimate = {};  ///< where probes were asked for
  std::string graph = {};                     ///< path of the DOT file in the run folder; empty without one
};

/// Adds the fields of xai-subexp to an image's MSE record (docs/output-format.md,
/// docs/schema/subexp-record.schema.json): the counts, in all and of each MSE, and the near ties of counting.
/// `counted`: nothing where no MSEs were searched; its roots are the record's MSEs in their order.
Json sub_explanation_record(Json mse_record, const SubExplanationOptions& options,
                            const std::optional<CountedImage>& counted);

}  // namespace xai
