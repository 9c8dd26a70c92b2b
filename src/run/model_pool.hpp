#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "xai/run/compute.hpp"

namespace xai {

/// The models of a run of several: each is loaded and tuned when it is first asked for, and kept as long as
/// memory is allowed to hold so many.
class ModelPool {
 public:
  struct Entry {
    ModelCard card;
    ClassifierOptions needs;  ///< gradients, features
    Json tuning;              ///< of an earlier session, then of this one; null: not known
  };

  /// At most `most` models stay in memory; 0 = all.
  ModelPool(std::vector<Entry> models, const ComputePlan& plan, OpenModel open, int most);

  /// `tuning`: of an earlier session, where this one knows none.
  std::shared_ptr<Classifier> get(std::size_t model, const Json& tuning = nullptr);
  /// Tunings by the names of the models that have one.
  Json tunings() const;

 private:
  std::vector<Entry> models_;
  std::vector<std::shared_ptr<Classifier>> loaded_;
  std::deque<std::size_t> recent_;  ///< those loaded, the one asked for last at the end
  ComputePlan plan_;
  OpenModel open_;
  std::size_t most_;
};

}  // namespace xai
