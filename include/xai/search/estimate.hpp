#pragma once

#include <map>
#include <optional>
#include <vector>

#include "xai/core/option_table.hpp"
#include "xai/core/random.hpp"
#include "xai/core/task.hpp"
#include "xai/search/mse.hpp"

namespace xai {

/// How the true number of 1-minimal sets and of MSEs is estimated (docs/counting.md).
struct EstimateOptions {
  int grid = 7;  ///< patches a side, 2..16
  Sufficient sufficient = Sufficient::ratio;
  double threshold = 0.9;  ///< tau: S is sufficient iff p(S) / p(all) >= tau; in (0, 1]
  long units = 0;          ///< independent units at most; 0 = as many as `evaluations` allows
  long evaluations = 0;    ///< no unit starts once so many different sets were asked for; 0 = no bound
  int max_orders = 1000;   ///< >= 1: tries to reach one set from the whole
  int listed = 16;  ///< 0..16: up to so many patches, units are drawn from the list of all sets; beyond, they
                    ///< are descents. No option of a program: what is best is known.

  static constexpr int largest_checked = 10;  ///< patches of the MSEs that are counted

  /// An estimate is wanted.
  bool wanted() const { return units > 0 || evaluations > 0; }
  /// Throws UsageError naming the option, its value and the bound.
  void validate() const;
};

/// All but the grid, the threshold and what is sufficient, which are the search's.
void describe(OptionTable& table, EstimateOptions& options);

/// A number of sets. Its standard error is 0 where it is exact; the interval is for 95 %.
struct CountEstimate {
  double value = 0;
  double se = 0;
  double low = 0;
  double high = 0;
};

struct EstimateResult {
  CountEstimate one_minimal;        ///< sets that are 1-minimal and reachable, of any size
  CountEstimate mses;               ///< MSEs of at most `up_to` patches among them
  std::map<int, double> by_size;    ///< number of patches -> MSEs with so many; the sum is mses.value. As
                                    ///< every unbiased difference, one of them can be below 0
  std::optional<double> mean_size;  ///< of the MSEs; none where mses.value is not above 0
  std::vector<double> patch_share;  ///< of each patch: share of the MSEs that hold it, in [0, 1]; or empty
  int exact_up_to = 0;              ///< all sets of up to so many patches were evaluated and counted
  int up_to = EstimateOptions::largest_checked;
  long units = 0;
  long capped = 0;       ///< units that max_orders ended: above 0, the expectation is a lower bound
  double coverage = 0;   ///< share of one_minimal.value that is known set by set, in [0, 1]
  long evaluations = 0;  ///< different sets that the estimate asked for, whether a memo knew them or not
  double effective_sample_size = 0;  ///< of the sets that the units found: (sum w)^2 / sum w^2
  double non_monotone_share = 0;     ///< of the patches added to a sufficient set: share that made it
                                     ///< insufficient
  bool trusted = false;              ///< docs/counting.md, "Interval, sample, trust"
  long near_ties = 0;                ///< decisions that float noise could turn (SPEC 4)
};

/// Estimates how many reachable 1-minimal sets and MSEs one image has: without bias, whether the model is
/// monotone or not. A set is reachable if single removals lead to it from the whole through sufficient sets.
///
/// `scorer`: of a search that has ended, as find_mses(); what the search asked for guides the estimate, and
/// 1-minimal sets that it met are taken out of what is sampled. The intact image is sufficient, the empty set
/// is not; else there is nothing to count. `random`: a stream for this image. `patches`: as for find_mses().
/// Throws UsageError for options out of range.
Task<EstimateResult> estimate_mses(Scorer& scorer, EstimateOptions options, Random random, int patches = 0);

}  // namespace xai
