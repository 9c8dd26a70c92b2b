#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xai/core/json.hpp"
#include "xai/metrics/curve.hpp"
#include "xai/record/image_facts.hpp"

namespace xai {

/// What one model says of another's MSEs of one image (SPEC 7). Ratios are p_B(S) / p_B(all), of the class
/// that the MSEs explain.
struct ShownSets {
  double threshold = 0.9;           ///< tau, of the run that found them
  std::vector<int> shown = {};      ///< which, as ascending indices into the record's mses: smallest first
  int smallest = 0;                 ///< so many of `shown`, its first, have the fewest patches
  std::vector<double> ratios = {};  ///< of each of `shown`
  std::vector<double> random_ratios = {};  ///< of a random set of as many patches each
  std::string other_image = {};            ///< another image, whose sets are shown on this one; empty without
  std::vector<double> other_ratios = {};   ///< of each of them
};

/// How one model takes another's evidence in one image. `source`'s map ranks the image's cells, and `model`
/// sees the image being inserted in that order; or `model` is shown `source`'s MSEs. What is not known is
/// left empty.
struct CrossPair {
  ImageFacts facts = {};               ///< predicted, p_full and p_baseline are the tested model's
  std::string source = {};             ///< the model that the map explains
  std::string model = {};              ///< the model that is tested
  std::optional<double> outside = {};  ///< share of the tested model's crop outside the source's, 0 .. 1
  std::optional<Curve> curve = {};     ///< of a map; empty where p_full - p_baseline is too small
  std::optional<ShownSets> sets = {};  ///< of MSEs; empty where p_full - p_baseline is too small
};

// The records of xai-crosstest, one for each image and ordered pair of models, all with the same fields
// (docs/output-format.md, docs/schema/crosstest-record.schema.json). What was not computed is null.

/// Of a pair that was tested: status "ok", or "undefined" with reason "gap" where it has neither curve nor
/// sets.
Json cross_record(const CrossPair& pair);

/// Of a pair without a test. Status "undefined": reason "map-target" (the map explains another class),
/// "no-map", "no-mses". Status "error": the reason is one line that says why the image could not be analysed.
Json blank_cross_record(const CrossPair& pair, std::string_view status, std::string_view reason);

}  // namespace xai
