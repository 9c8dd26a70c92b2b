#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "xai/report/json.hpp"
#include "xai/search/mse.hpp"

namespace xai {

/// What the record of an image holds beside the result of its search. What is not known is left empty.
struct ImageFacts {
  std::string image = {};             ///< path relative to the data set
  std::optional<int> label = {};      ///< class index, where the data set has labels
  std::optional<int> predicted = {};  ///< arg max on the intact image
  std::optional<int> target = {};     ///< the class c that is explained
  std::optional<double> p_full = {};  ///< p(all); only read for images that were not searched
  std::string picture = {};           ///< path relative to the run folder; empty without one
  double seconds = 0;                 ///< from decoding to the last evaluation
};

// The records of xai-mse, one for each image, all with the fields of SPEC 8 in its order
// (docs/output-format.md, docs/schema/mse-record.schema.json). Counts of a search that did not take place are
// null.

/// Of an image that was searched: status "ok", "baseline-sufficient", or "skipped" for zero probability.
Json mse_record(const ImageFacts& facts, const MseOptions& options, const MseResult& result);

/// Of an image that was not searched by the user's wish; reason: "wrong", "low-probability".
Json skipped_mse_record(const ImageFacts& facts, const MseOptions& options, std::string_view reason);

/// Of an image that could not be analysed; `message`: one line that says why.
Json failed_mse_record(const ImageFacts& facts, const MseOptions& options, std::string_view message);

}  // namespace xai
