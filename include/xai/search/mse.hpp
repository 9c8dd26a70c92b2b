#pragma once

#include <string_view>
#include <vector>

#include "xai/core/patch_set.hpp"
#include "xai/core/task.hpp"
#include "xai/search/scorer.hpp"

namespace xai {

enum class SearchKind { beam, exhaustive };
enum class Reduce { greedy, all };
enum class StopReason { exhausted, max_size, max_evaluations };
enum class Certificate { single_removal, all_subsets };
enum class MseStatus { ok, baseline_sufficient, zero_probability };

/// The names used in options and records: "beam", "max-evaluations", "all-subsets", ...
std::string_view name(SearchKind kind);
std::string_view name(Reduce reduce);
std::string_view name(StopReason reason);
std::string_view name(Certificate certificate);

/// How minimal sufficient explanations are searched (SPEC 4).
struct MseOptions {
  int grid = 7;            ///< patches a side, 2..16; exhaustive search: 2..4
  double threshold = 0.9;  ///< tau: S is sufficient iff p(S) / p(all) >= tau; in (0, 1]
  SearchKind search = SearchKind::beam;
  int beam_width = 3;  ///< B >= 1: states kept from level to level
  int extensions = 0;  ///< q >= 0: extend a state by its q best patches only; 0 = by every hidden patch
  Reduce reduce = Reduce::greedy;
  int max_size = 0;  ///< patches of the largest state searched; 0 = no bound
  long max_evaluations =
      1500;  ///< budget of one image, >= 3; the beam search stops there, exhaustive search ignores it
  int max_overlap = 1;  ///< k >= 0: members of a diverse family share at most k patches

  /// Throws UsageError naming the option, its value and the bound.
  void validate() const;
};

/// One minimal sufficient explanation.
struct Mse {
  PatchSet patches;
  double p = 0;      ///< p(S)
  double ratio = 0;  ///< r(S) = p(S) / p(all)
  Certificate certificate = Certificate::single_removal;
  int checked_depth =
      1;  ///< every subset with up to this many patches removed was evaluated and is insufficient
};

struct MseResult {
  MseStatus status = MseStatus::ok;
  double p_full = 0;                 ///< p(all)
  double p_baseline = 0;             ///< p of the empty set
  std::vector<Mse> mses;             ///< sorted by (size, ascending patch indices); none contains another
  std::vector<int> diverse_members;  ///< indices into mses of the largest diverse family found
  bool diverse_exact = true;         ///< no larger diverse family exists among mses
  StopReason stop_reason = StopReason::exhausted;
  long evaluations = 0;  ///< different sets evaluated, the full and the empty set included
  long near_ties = 0;    ///< decisions that float noise could turn (SPEC 4)
};

/// Finds the minimal sufficient explanations of one image. The coroutine holds `options` by value.
Task<MseResult> find_mses(Scorer& scorer, MseOptions options);

}  // namespace xai
