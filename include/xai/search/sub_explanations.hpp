#pragma once

#include <map>
#include <vector>

#include "xai/core/big_unsigned.hpp"
#include "xai/core/option_table.hpp"
#include "xai/core/patch_set.hpp"
#include "xai/core/random.hpp"
#include "xai/core/task.hpp"
#include "xai/search/scorer.hpp"

namespace xai {

/// How the sub-explanations of one image's roots, its MSEs, are counted (SPEC 5).
struct SubExplanationOptions {
  int grid = 7;                 ///< patches a side, 2..16
  double node_threshold = 0.5;  ///< a set counts iff p(S) / p(all) >= this; in (0, 1]
  long max_nodes = 10'000;      ///< 1..most_nodes: sets counted at most, all roots together
  int probes = 0;               ///< >= 0: random deletion orders for an estimate of tree_nodes

  static constexpr long most_nodes = 5'000'000;  ///< about 500 bytes of memory each

  /// Throws UsageError naming the option, its value and the bound.
  void validate() const;
};

/// All but the grid, which is the search's.
void describe(OptionTable& table, SubExplanationOptions& options);

/// What can be reached from one root, or from several.
struct SubExplanationCount {
  struct Sets {
    long distinct = 0;       ///< different sets
    BigUnsigned tree_nodes;  ///< deletion orders from a root to one of them: nodes of the expanded trees
  };
  Sets all;
  std::map<int, Sets> by_size;  ///< number of patches -> those with so many
  bool truncated = false;       ///< max_nodes left something out: both counts are lower bounds
};

/// A set that counts.
struct SubExplanation {
  PatchSet patches;
  double ratio = 0;  ///< r(S) = p(S) / p(all)
};

struct SubExplanations {
  SubExplanationCount total;                  ///< a set that several roots reach is one of `distinct`
  std::vector<SubExplanationCount> per_root;  ///< in the order of the roots
  std::vector<SubExplanation> sets;           ///< level by level, the largest ratio first
  long evaluations = 0;                       ///< sets that had to be evaluated
  long saved = 0;                             ///< sets asked for that were known already, whoever asked
  long near_ties = 0;                         ///< decisions that float noise could turn
};

/// Counts the sub-explanations of `roots`, different sets of patches that are not empty.
///
/// A root counts, and so does a set that is one patch less than a set that counts, if its ratio is at least
/// the threshold; the empty set never does. Level by level, from the roots on: all sets that one removal
/// gives and that no earlier level had are evaluated, as one question. Where more of a level count than
/// max_nodes has room for, those with the largest ratio are taken (ties: the smaller bit set), and nothing is
/// expanded any more. A deletion order is counted if all its sets are. `patches`: as for find_mses().
Task<SubExplanations> count_sub_explanations(Scorer& scorer, std::vector<PatchSet> roots,
                                             SubExplanationOptions options, int patches = 0);

/// An estimate of the tree_nodes that count_sub_explanations() would give without a bound.
struct TreeEstimate {
  double tree_nodes = 0;      ///< its expectation is exact; infinite beyond the largest double
  double standard_error = 0;  ///< of it, from the spread of the probes; NaN for a single probe
  long evaluations = 0;
  long saved = 0;
  long near_ties = 0;
};

/// Knuth's estimate of the size of a tree ("Estimating the efficiency of backtrack programs", 1975). A probe
/// walks down the tree at random: from one of the roots that count to one of its children that count, and on
/// to a set that has none. A set that was reached by choosing among k1, then k2, ..., then kn sets stands for
/// k1 * k2 * ... * kn sets of its level; a probe's estimate is the sum of these products along its way. The
/// result is the mean over options.probes >= 1 probes.
Task<TreeEstimate> estimate_tree_nodes(Scorer& scorer, std::vector<PatchSet> roots,
                                       SubExplanationOptions options, Random random);

}  // namespace xai
