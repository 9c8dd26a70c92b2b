#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "xai/core/json.hpp"
#include "xai/metrics/curve.hpp"
#include "xai/record/image_facts.hpp"

namespace xai {

/// How one model takes another's map of one image: `source`'s map ranks the image's cells, and `model` sees
/// the image being inserted in that order. What is not known is left empty.
struct CrossPair {
  ImageFacts facts = {};               ///< predicted, p_full and p_baseline are the tested model's
  std::string source = {};             ///< the model that the map explains
  std::string model = {};              ///< the model that is tested
  std::optional<double> outside = {};  ///< share of the tested model's crop outside the source's, 0 .. 1
  std::optional<Curve> curve = {};     ///< empty where undefined: p_full - p_baseline is too small
};

// The records of xai-crosstest, one for each image and ordered pair of models, all with the same fields
// (docs/output-format.md, docs/schema/crosstest-record.schema.json). What was not computed is null.

/// Of a pair that was tested: status "ok", or "undefined" with reason "gap" where it has no curve.
Json cross_record(const CrossPair& pair);

/// Of a pair without a test. Status "undefined": reason "map-target" (the map explains another class),
/// "no-map". Status "error": the reason is one line that says why the image could not be analysed.
Json blank_cross_record(const CrossPair& pair, std::string_view status, std::string_view reason);

}  // namespace xai
