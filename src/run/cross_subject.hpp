#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "xai/model/model_card.hpp"
#include "xai/run/crosstest.hpp"

namespace xai {

/// What a run of cross-testing is about.
struct CrossSubject {
  using Model = std::size_t;  ///< index into cards

  const CrosstestRunOptions& options;
  std::vector<ModelCard> cards;     ///< of models that can be compared
  DataSet data;                     ///< predictions are of all of its images
  std::vector<std::size_t> tested;  ///< images that are cross-tested, as ascending indices into data.images
  Shard shard;                      ///< of the tested images, and likewise of the others
  std::vector<char> taken;          ///< of each image of the data set: it is of the shard

  /// The image's index in `tested`, where it is cross-tested.
  std::optional<std::size_t> row_of(std::size_t image) const {
    const auto found = std::lower_bound(tested.begin(), tested.end(), image);
    if (found == tested.end() || *found != image) return std::nullopt;
    return static_cast<std::size_t>(found - tested.begin());
  }
  bool has(std::size_t image) const { return taken[image] != 0; }
  /// How many images the run has.
  long images() const { return std::count(taken.begin(), taken.end(), 1); }
  /// How many of them are cross-tested.
  std::size_t tests() const { return shard.size_of(tested.size()); }
  const ImageEntry& image(std::size_t row) const { return data.images[tested[row]]; }
  std::vector<std::string> names() const;
  /// The run of xai-saliency that makes the maps of a model.
  SaliencyRunOptions map_run(Model model) const;
  /// What must be equal for two runs to be compared by the gate.
  Json conditions() const;
};

/// Reads the cards and opens the data set. Throws UsageError where the models cannot be compared: they need
/// names of their own and the same classes.
CrossSubject open_subject(const CrosstestRunOptions& options);

}  // namespace xai
