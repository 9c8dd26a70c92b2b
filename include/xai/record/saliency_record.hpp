#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "xai/core/json.hpp"
#include "xai/metrics/curve.hpp"
#include "xai/metrics/likeness.hpp"
#include "xai/record/image_facts.hpp"

namespace xai {

/// What every record of a run of xai-saliency has in common.
struct SaliencySetting {
  std::string method = "igos++";  ///< "igos++", "igos+", "igos", "gradcam", "rise"
  int size = 28;                  ///< s: the maps have s x s cells
  Metric metric = Metric::normalised;
};

/// How the map of one image came about, and how it did.
struct SaliencyFacts {
  std::string map = {};                      ///< path relative to the run folder: saliency_map_path()
  std::optional<Curve> insertion = {};       ///< empty where undefined: f_c(x) - f_c(b) is too small
  std::optional<Curve> deletion = {};        ///< the same
  long forward = 0;                          ///< rows through the model, the curves' included
  long backward = 0;                         ///< those of them that went back through it, too
  int iterations = 0;                        ///< of the optimiser; 0 for a method without one
  std::optional<std::string> stop_reason;    ///< why the optimiser ended; empty for a method without one
  int near_ties = 0;                         ///< decisions that float noise could turn
  std::vector<std::string> repeats = {};     ///< paths of further maps: saliency_map_path()
  std::optional<MapLikeness> likeness = {};  ///< of all of them; empty for one map
  /// Parts of the objective by name, each with its value at every iteration.
  std::vector<std::pair<std::string, std::vector<double>>> objective = {};
};

// The records of xai-saliency, one for each image, all with the same fields (docs/output-format.md,
// docs/schema/saliency-record.schema.json). What was not computed is null.

/// Of an image that was explained: status "ok".
Json saliency_record(const ImageFacts& image, const SaliencySetting& setting, const SaliencyFacts& facts);

/// Of an image without a map. Status "skipped": reason "wrong", "low-probability" (the user's wish),
/// "zero-probability". Status "error": the reason is one line that says why it could not be analysed.
Json blank_saliency_record(const ImageFacts& image, const SaliencySetting& setting, std::string_view status,
                           std::string_view reason);

/// A map's path in the run folder: "maps/efficientnet_lite0/n01440764/x.JPEG.igos++.npy" (file_name_of()); of
/// a repeat, counted from 1, "maps/efficientnet_lite0/n01440764/x.JPEG.igos++.r1.npy".
std::string saliency_map_path(const std::string& model, const std::string& image, const std::string& method,
                              int repeat = 0);

}  // namespace xai
