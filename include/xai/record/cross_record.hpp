#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "xai/core/json.hpp"
#include "xai/metrics/curve.hpp"

namespace xai {

/// How one model takes another's map of one image. What is not known is left empty.
struct CrossPair {
  std::string image = {};                 ///< path relative to the data set
  std::string source = {};                ///< the model that the map explains
  std::string target_model = {};          ///< the model that is tested
  std::optional<int> label = {};          ///< class index, where the data set has labels
  std::optional<int> predicted = {};      ///< the tested model's arg max on the intact image
  std::optional<int> target = {};         ///< the class c of the curve
  std::optional<double> f_full = {};      ///< f_c(x) of the tested model
  std::optional<double> f_baseline = {};  ///< f_c(b) of the tested model
  std::optional<double> outside = {};     ///< share of the tested model's crop outside the source's, 0 .. 1
  std::optional<Curve> curve = {};        ///< empty where undefined: f_c(x) - f_c(b) is too small
};

// The records of xai-crosstest, one for each image and ordered pair of models, all with the same fields
// (docs/output-format.md, docs/schema/crosstest-record.schema.json). What was not computed is null.

/// Of a pair that was tested: status "ok", or "undefined" with reason "gap" where it has no curve.
Json cross_record(const CrossPair& pair);

/// Of a pair without a test; reason: "map-target" (the map explains another class), "no-map".
Json undefined_cross_record(const CrossPair& pair, std::string_view reason);

/// Of a pair whose image could not be analysed; `message`: one line that says why.
Json failed_cross_record(const CrossPair& pair, std::string_view message);

}  // namespace xai
