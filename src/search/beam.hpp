#pragma once

#include <set>
#include <unordered_map>
#include <vector>

#include "findings.hpp"
#include "minimal_sets.hpp"

namespace xai::internal {

/// The beam search that MseOptions describes, for one image.
class BeamSearch {
 public:
  BeamSearch(Findings& findings, const MseOptions& options, int patches);

  Task<StopReason> run();
  const std::set<PatchSet>& minimal() const { return minimal_.sets(); }

 private:
  struct State {
    PatchSet set;
    double log_p;
    bool operator<(const State& other) const {  // the best first
      return log_p != other.log_p ? log_p > other.log_p : set < other.set;
    }
  };
  using OpenStates = std::set<State>;
  struct Extension {
    int patch;
    double promise;  // the change of log p that showing it is expected to make
  };

  Task<bool> sweep(int beyond);
  Task<std::vector<PatchSet>> extend(const std::vector<State>& states);
  void collect_open_states();
  int width_at(int size) const;
  std::vector<State> take_best(OpenStates& open, int beam_width);
  std::vector<Extension> extensions_of(const PatchSet& state, bool all);
  double novelty(const PatchSet& set) const;
  void measure_novelty();

  Findings& findings_;
  const MseOptions& options_;
  int patches_;
  int last_size_;  // of states that may be reached
  MinimalSets minimal_;
  std::vector<OpenStates> open_;  // by size: evaluated, insufficient, not yet extended
  std::size_t collected_ = 0;     // insufficient sets that have been put into open_
  std::unordered_map<PatchSet, std::vector<double>> promises_;  // of extended states, by patch
  int sweeps_ = 0;                                              // finished
  std::vector<double> novelty_;                                 // by patch, 0 or below
};

}  // namespace xai::internal
