#include "beam.hpp"

#include <algorithm>
#include <cmath>

namespace xai::internal {
namespace {

constexpr int levels_beyond_smallest = 2;  // that a sweep visits; docs/results.md
constexpr int sweeps_to_go_deeper = 8;     // by one level, so that large sets beside small ones are found too
constexpr std::size_t novelty_window = 1000;  // states of largest p among which new ones are sought

}  // namespace

BeamSearch::BeamSearch(Findings& findings, const MseOptions& options, int patches)
    : findings_(findings),
      options_(options),
      patches_(patches),
      last_size_(options.max_size > 0 ? std::min(options.max_size, patches_) : patches_),
      minimal_(findings, options.reduce, options.max_evaluations),
      open_(patches_ + 1),
      novelty_(patches_, 0.0) {}

Task<StopReason> BeamSearch::run() {
  int beyond = options_.sweeps == 1 ? patches_ : levels_beyond_smallest;
  while (!findings_.out_of_budget()) {
    const bool extended_any = co_await sweep(beyond);
    ++sweeps_;
    if (sweeps_ == options_.sweeps || (!extended_any && beyond >= patches_)) break;
    if (!extended_any || sweeps_ % sweeps_to_go_deeper == 0) ++beyond;
    measure_novelty();
  }
  if (findings_.out_of_budget()) co_return StopReason::max_evaluations;
  collect_open_states();
  co_return open_[last_size_].empty() ? StopReason::exhausted : StopReason::max_size;
}

/// Level by level from the empty set, to at most `beyond` patches more than the smallest set found.
Task<bool> BeamSearch::sweep(int beyond) {
  bool extended_any = false;
  int smallest = patches_;
  for (int size = 0; size < std::min(last_size_, smallest + beyond); ++size) {
    collect_open_states();
    const auto states = take_best(open_[size], width_at(size));
    if (states.empty()) continue;
    extended_any = true;
    auto candidates = co_await extend(states);
    co_await minimal_.add(std::move(candidates));
    if (findings_.out_of_budget()) break;
    for (const PatchSet& set : minimal()) smallest = std::min(smallest, set.size());
  }
  co_return extended_any;
}

void BeamSearch::collect_open_states() {
  const auto& evaluated = findings_.insufficient_sets();
  for (; collected_ < evaluated.size(); ++collected_) {
    const PatchSet& set = evaluated[collected_];
    open_[set.size()].insert({set, findings_.log_p(set)});
  }
}

/// The beam narrows to one state where nothing is found yet and the budget would else end before large sets.
int BeamSearch::width_at(int size) const {
  if (options_.sweeps == 1 || !minimal().empty()) return options_.beam_width;
  const auto extensions = [&](int shown) {
    return options_.extensions == 0 ? patches_ - shown : std::min(options_.extensions, patches_ - shown);
  };
  long reserve = options_.beam_width * extensions(size) + 5L * patches_;  // this level, and some to reduce
  for (int shown = size + 1; shown < patches_; ++shown) reserve += extensions(shown);
  return findings_.remaining() < reserve ? 1 : options_.beam_width;
}

/// Removes the next beam from the open states of one size.
std::vector<BeamSearch::State> BeamSearch::take_best(OpenStates& open, int beam_width) {
  struct Ranked {
    double score;
    OpenStates::iterator state;
  };
  const auto better = [](const Ranked& a, const Ranked& b) {
    return a.score != b.score ? a.score > b.score : a.state->set < b.state->set;
  };
  const auto width = static_cast<std::size_t>(beam_width);
  std::vector<Ranked> best;  // and the first of the rest
  std::size_t seen = 0;
  for (auto state = open.begin(); state != open.end(); ++state) {
    // novelty is at most 0, so those that follow score at most log_p
    if (best.size() > width && (state->log_p < best.back().score || seen >= novelty_window)) break;
    ++seen;
    const Ranked ranked{state->log_p + novelty(state->set), state};
    best.insert(std::upper_bound(best.begin(), best.end(), ranked, better), ranked);
    if (best.size() > width + 1) best.pop_back();
  }
  if (best.size() > width) {
    findings_.note_choice(best[width - 1].score, best[width].score);
    best.pop_back();
  }
  std::vector<State> taken;
  for (const auto& [score, state] : best) {
    taken.push_back(*state);
    open.erase(state);
  }
  return taken;
}

/// Evaluates the extensions of a beam; returns those that are sufficient.
Task<std::vector<PatchSet>> BeamSearch::extend(const std::vector<State>& states) {
  // at first nothing tells which patches are good: the first sweep tries all, for a quarter of the budget
  long hidden = 0;
  for (const State& state : states) hidden += patches_ - state.set.size();
  const bool fully = options_.extensions == 0 || states[0].set.empty() ||
                     (sweeps_ == 0 && findings_.evaluations() + hidden <= options_.max_evaluations / 4);
  std::vector<std::vector<PatchSet>> groups;
  std::vector<double> scores;
  for (const auto& [set, log_p] : states)
    for (const auto& [patch, promise] : extensions_of(set, fully)) {
      groups.push_back({set.with(patch)});
      scores.push_back(log_p + promise);
    }
  const auto answered = co_await findings_.evaluate(groups);
  if (answered > 0 && answered < groups.size()) findings_.note_choice(scores[answered - 1], scores[answered]);
  groups.resize(answered);

  std::vector<PatchSet> sufficient;
  for (const auto& group : groups)
    if (findings_.sufficient(group[0])) sufficient.push_back(group[0]);
  co_return sufficient;
}

/// The hidden patches of a state that are worth trying. What a patch promises is the mean change of log p it
/// made to the subsets with one patch less, where that is known; else what those subsets expected of it; else
/// what it does alone.
std::vector<BeamSearch::Extension> BeamSearch::extensions_of(const PatchSet& state, bool all) {
  struct Subset {
    PatchSet set;
    double log_p;
    const std::vector<double>* promises;
  };
  std::vector<Subset> subsets;
  for (const int patch : state.patches()) {
    const PatchSet set = state.without(patch);
    if (!findings_.knows(set)) continue;
    const auto found = promises_.find(set);
    subsets.push_back({set, findings_.log_p(set), found == promises_.end() ? nullptr : &found->second});
  }

  std::vector<double> promises(patches_, 0.0);
  std::vector<Extension> extensions;
  for (int patch = 0; patch < patches_; ++patch) {
    if (state.contains(patch)) continue;
    double measured = 0;
    double expected = 0;
    int measurements = 0;
    int expectations = 0;
    for (const auto& [set, log_p, inherited] : subsets) {
      if (const PatchSet extended = set.with(patch); findings_.knows(extended)) {
        measured += findings_.log_p(extended) - log_p;
        ++measurements;
      } else if (inherited) {
        expected += (*inherited)[patch];
        ++expectations;
      }
    }
    if (measurements > 0) {
      promises[patch] = measured / measurements;
    } else if (expectations > 0) {
      promises[patch] = expected / expectations;
    } else if (const auto alone = PatchSet().with(patch); findings_.knows(alone)) {
      promises[patch] = findings_.log_p(alone) - findings_.log_p(PatchSet());
    }
    extensions.push_back({patch, promises[patch] + novelty_[patch]});
  }
  promises_[state] = std::move(promises);

  const auto best = static_cast<std::size_t>(options_.extensions);
  std::stable_sort(extensions.begin(), extensions.end(),
                   [](const Extension& a, const Extension& b) { return a.promise > b.promise; });
  if (!all && extensions.size() > best) {
    findings_.note_choice(extensions[best - 1].promise, extensions[best].promise);
    extensions.resize(best);
  }
  return extensions;
}

double BeamSearch::novelty(const PatchSet& set) const {
  if (sweeps_ % 2 == 0) return 0;
  double sum = 0;
  for (const int patch : set.patches()) sum += novelty_[patch];
  return sum;
}

/// Every second sweep looks away from what was found: log of the share of sets found that do without a patch.
void BeamSearch::measure_novelty() {
  std::fill(novelty_.begin(), novelty_.end(), 0.0);
  if (sweeps_ % 2 == 0 || minimal().empty()) return;
  std::vector<int> uses(patches_, 0);
  for (const PatchSet& set : minimal())
    for (const int patch : set.patches()) ++uses[patch];
  for (int patch = 0; patch < patches_; ++patch)
    novelty_[patch] =
        std::log(1.01 - static_cast<double>(uses[patch]) / static_cast<double>(minimal().size()));
}

}  // namespace xai::internal
