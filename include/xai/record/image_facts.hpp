#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "xai/core/json.hpp"

namespace xai {

/// What the record of an image holds beside the result of its analysis. What is not known is left empty.
struct ImageFacts {
  std::string image = {};                 ///< path relative to the data set
  std::string content = {};               ///< SHA-256 of the photograph's bytes, hexadecimal
  std::optional<int> label = {};          ///< class index, where the data set has labels
  std::optional<int> predicted = {};      ///< the model's arg max on the intact image
  std::optional<int> target = {};         ///< the class c that is explained, or tested
  std::optional<double> p_full = {};      ///< f_c(x), or p(all): its softmax probability on the intact image
  std::optional<double> p_baseline = {};  ///< f_c(b), or p of the empty set: that on the baseline
  std::string picture = {};               ///< path relative to the run folder; empty without one
  double seconds = 0;                     ///< from decoding to the last evaluation
};

/// The fields that every record of every tool begins with: image, content, status, reason, label, predicted,
/// target, p_full, p_baseline; null where unknown.
Json preamble(const ImageFacts& facts, std::string_view status, const Json& reason);

/// An array, with null for what is not finite.
Json numbers_or_nulls(std::span<const double> values);

}  // namespace xai
