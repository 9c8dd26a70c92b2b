#pragma once

#include <cstdint>
#include <vector>

#include "xai/core/patch_set.hpp"
#include "xai/core/random.hpp"

namespace xai::internal {

/// All sets of at most 16 patches, each with a guess of how likely it is 1-minimal, and draws from them.
///
/// The guess is from a logistic model of "sufficient", fitted to every set whose answer is known: its
/// patches, and how many known sets below and above it are sufficient or not. A wrong guess costs precision
/// and nothing else: each candidate can be drawn, with a probability that is known.
class ListedSets {
 public:
  explicit ListedSets(int patches);

  void learn(const PatchSet& set, bool sufficient);
  /// The set is counted elsewhere: it is no candidate.
  void leave_out(const PatchSet& set) { left_out_[set.low_bits()] = 1; }

  /// Makes the draws that follow fit what was learnt. False where no candidate is left: all 1-minimal sets
  /// are left out.
  bool prepare();

  struct Draw {
    PatchSet set;
    double log_weight;  ///< - log of its probability
  };
  Draw draw(Random& random) const;
  /// The logarithm of the guess how likely a set is sufficient.
  double log_guess(const PatchSet& set) const { return log_sufficient_[set.low_bits()]; }

 private:
  static constexpr int extra = 5;  // features beside the patches

  void fit();
  void guess_all();
  void features(std::uint32_t set, double* out) const;

  int patches_;
  std::uint32_t count_;               // of sets
  std::vector<std::uint32_t> known_;  // in the order in which they were learnt
  std::vector<signed char> answers_;  // of each set: 1 sufficient, 0 not, -1 unknown
  std::vector<char> left_out_;
  std::vector<float> sufficient_below_, insufficient_below_, sufficient_above_, insufficient_above_;
  std::vector<double> model_;                              // of the features
  std::size_t fitted_on_ = 0;                              // known sets
  std::vector<double> log_sufficient_, log_insufficient_;  // of the guesses
  std::vector<double> cumulative_;  // of the probabilities of being drawn, not normalised
};

}  // namespace xai::internal
