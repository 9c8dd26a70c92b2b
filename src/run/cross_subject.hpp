#pragma once

#include <algorithm>
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
  std::vector<std::size_t> tested;  ///< images that are cross-tested, as indices into data.images
  Shard shard;                      ///< of the tested images, and likewise of the others
  std::vector<char> taken;          ///< of each image of the data set: it is of the shard

  bool has(std::size_t image) const { return taken[image] != 0; }
  /// How many images the run has.
  long images() const { return std::count(taken.begin(), taken.end(), 1); }
  /// How many of them are cross-tested.
  std::size_t tests() const { return shard.size_of(tested.size()); }
  int cells() const { return options.making.size * options.making.size; }
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
