#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "xai/core/option_table.hpp"
#include "xai/core/patch_set.hpp"
#include "xai/core/task.hpp"
#include "xai/search/scorer.hpp"

namespace xai {

enum class SearchKind { beam, exhaustive };
template <>
inline constexpr auto names_of<SearchKind> =
    std::to_array<Named<SearchKind>>({{SearchKind::beam, "beam"}, {SearchKind::exhaustive, "exhaustive"}});
enum class Reduce { greedy, all };
template <>
inline constexpr auto names_of<Reduce> = std::to_array<Named<Reduce>>({{Reduce::greedy, "greedy"},
                                                                       {Reduce::all, "all"}});
enum class StopReason { exhausted, max_size, max_evaluations };
template <>
inline constexpr auto names_of<StopReason> =
    std::to_array<Named<StopReason>>({{StopReason::exhausted, "exhausted"},
                                      {StopReason::max_size, "max-size"},
                                      {StopReason::max_evaluations, "max-evaluations"}});
enum class Certificate { single_removal, all_subsets };
template <>
inline constexpr auto names_of<Certificate> = std::to_array<Named<Certificate>>(
    {{Certificate::single_removal, "single-removal"}, {Certificate::all_subsets, "all-subsets"}});
/// What a set must keep to be sufficient: a share of the probability, the class of largest probability, both.
enum class Sufficient { ratio, top1, both };
template <>
inline constexpr auto names_of<Sufficient> = std::to_array<Named<Sufficient>>({{Sufficient::ratio, "ratio"},
                                                                               {Sufficient::top1, "top1"},
                                                                               {Sufficient::both, "both"}});
enum class MseStatus {
  ok,
  baseline_sufficient,
  zero_probability,  ///< p(all) = 0
  wrong              ///< the intact image's class is another, and 'sufficient' asks for it
};

/// How minimal sufficient explanations are searched (SPEC 4).
///
/// The beam search goes in sweeps. A sweep goes level by level, from the empty set to states of more and more
/// patches: of the states of a level that were evaluated, are insufficient and have not been extended, the
/// best `beam_width` are extended, by every hidden patch or the `extensions` most promising ones. Extensions
/// that are sufficient leave as candidates: they are reduced to 1-minimal sets, these are certified. The
/// others are open states of the next level, as are the insufficient sets met while reducing and certifying.
/// The first sweep is the beam search of SPEC 4; after n sweeps the beam has been about n * beam_width wide,
/// so the width fits the budget by itself.
///
/// How deep a sweep goes: small sets are wanted first, so a sweep ends two levels above the size of the
/// smallest set found. That distance grows by one level after every eighth sweep, and after a sweep that
/// found nothing to extend, so that larger sets come in their turn.
///
/// Which states are best: those of largest p. In every second sweep p is first multiplied, for each patch of
/// the state, by the share of the found sets that do without this patch; so sets unlike the found ones are
/// sought.
///
/// Which patches are promising: a patch promises to a state the change of log p that it made to subsets of
/// the state. To have such measurements at all, the first sweep extends by every hidden patch until a quarter
/// of the budget is spent.
///
/// While nothing is found, only one state a level is extended wherever the full width would use up the budget
/// before the sweep reaches large sets.
struct MseOptions {
  int grid = 7;                               ///< patches a side, 2..16; exhaustive search: 2..4
  Sufficient sufficient = Sufficient::ratio;  ///< the rule below, the class of largest p on x_S, or both
  double threshold = 0.9;                     ///< tau: S is sufficient iff p(S) / p(all) >= tau; in (0, 1]
  SearchKind search = SearchKind::beam;
  int beam_width = 3;   ///< B >= 1: states extended on each level of a sweep
  int extensions = 15;  ///< q >= 0: extend a state by its q best patches only; 0 = by every hidden patch
  int sweeps = 0;       ///< >= 0; 0 = until the budget or all states are used up, 1 = the plain beam search
  Reduce reduce = Reduce::all;  ///< of candidates: one 1-minimal set of each, or all that removals lead to
  int max_size = 0;             ///< patches of the largest state searched; 0 = no bound
  long max_evaluations = 1500;  ///< >= 3, budget of one image; exhaustive search ignores it
  int max_overlap = 1;          ///< k >= 0: members of a diverse family share at most k patches

  /// Throws UsageError naming the option, its value and the bound.
  void validate() const;
};

void describe(OptionTable& table, MseOptions& options);

/// One minimal sufficient explanation.
struct Mse {
  PatchSet patches;
  double p = 0;                    ///< p(S)
  double ratio = 0;                ///< r(S) = p(S) / p(all)
  std::optional<bool> keeps_top1;  ///< the class has the largest p on x_S; nothing where no rival is known
  Certificate certificate = Certificate::single_removal;
  int checked_depth = 1;  ///< every subset with up to this many patches removed is known to be insufficient
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

/// What records call it: status and reason, empty where it needs none.
std::pair<std::string_view, std::string_view> words_of(MseStatus status);

/// Finds the minimal sufficient explanations of one image. The coroutine holds `options` by value.
/// `patches`, 1..256: of something that is no square grid, as the words of a text are; `grid` then says
/// nothing. 0: grid * grid. Throws UsageError where `sufficient` needs rivals that the scorer does not give.
Task<MseResult> find_mses(Scorer& scorer, MseOptions options, int patches = 0);

}  // namespace xai
