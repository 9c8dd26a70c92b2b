#pragma once

#include <optional>
#include <string>

namespace xai {

/// What the record of an image holds beside the result of its analysis. What is not known is left empty.
struct ImageFacts {
  std::string image = {};             ///< path relative to the data set
  std::optional<int> label = {};      ///< class index, where the data set has labels
  std::optional<int> predicted = {};  ///< arg max on the intact image
  std::optional<int> target = {};     ///< the class c that is explained
  std::optional<double> p_full = {};  ///< f_c(x), or p(all): its softmax probability on the intact image
  std::string picture = {};           ///< path relative to the run folder; empty without one
  double seconds = 0;                 ///< from decoding to the last evaluation
};

}  // namespace xai
