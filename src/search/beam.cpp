#include "beam.hpp"

#include <bit>
#include <numeric>

namespace xai::internal {
namespace {

constexpr int largest_certified = 10;  // SPEC 4: a set of at most 10 patches has at most 1,023 proper subsets

std::vector<PatchSet> removals(const PatchSet& set) {
  std::vector<PatchSet> out;
  for (const int patch : set.patches()) out.push_back(set.without(patch));
  return out;
}

std::vector<PatchSet> proper_subsets(const PatchSet& set) {
  const auto patches = set.patches();
  std::vector<PatchSet> subsets(std::size_t{1} << patches.size());
  for (std::size_t mask = 1; mask < subsets.size(); ++mask)
    subsets[mask] = subsets[mask & (mask - 1)].with(patches[std::countr_zero(mask)]);
  subsets.pop_back();
  return subsets;
}

bool is_proper_subset(const PatchSet& a, const PatchSet& b) {
  return a != b && a.is_subset_of(b);
}

}  // namespace

Task<StopReason> BeamSearch::run() {
  if (options_.extensions > 0) co_await order_patches();
  beam_ = {PatchSet()};
  const int last = options_.max_size > 0 ? std::min(options_.max_size, patches_) : patches_;
  for (int size = 1; size <= last && !beam_.empty() && !out_of_budget_; ++size) {
    auto candidates = co_await next_level();
    while (!candidates.empty()) {
      co_await reduce(std::move(candidates));
      co_await certify();
      candidates = replacements();
    }
  }
  if (out_of_budget_) co_return StopReason::max_evaluations;
  co_return beam_.empty() ? StopReason::exhausted : StopReason::max_size;
}

/// By what showing a patch alone gives, plus what hiding it alone costs.
Task<void> BeamSearch::order_patches() {
  const auto all = PatchSet::all(patches_);
  std::vector<std::vector<PatchSet>> groups(1);
  for (int patch = 0; patch < patches_; ++patch) {
    groups[0].push_back(PatchSet{patch});
    groups[0].push_back(all.without(patch));
  }
  if (co_await evidence_.evaluate(groups, remaining()) == 0) {
    out_of_budget_ = true;
    co_return;
  }
  const auto gain = [&](int patch) { return evidence_.p(PatchSet{patch}) - evidence_.p(all.without(patch)); };
  order_.resize(patches_);
  std::iota(order_.begin(), order_.end(), 0);
  std::stable_sort(order_.begin(), order_.end(), [&](int a, int b) { return gain(a) > gain(b); });
}

std::vector<PatchSet> BeamSearch::extensions_of(const PatchSet& state) const {
  std::vector<PatchSet> out;
  if (options_.extensions == 0 || state.empty()) {
    for (int patch = 0; patch < patches_; ++patch)
      if (!state.contains(patch)) out.push_back(state.with(patch));
  } else {
    for (const int patch : order_)
      if (!state.contains(patch) && static_cast<int>(out.size()) < options_.extensions)
        out.push_back(state.with(patch));
  }
  return out;
}

/// Extends the beam, makes the best insufficient extensions the new one, returns the sufficient ones.
Task<std::vector<PatchSet>> BeamSearch::next_level() {
  std::unordered_set<PatchSet> seen;
  std::vector<std::vector<PatchSet>> groups;
  for (const PatchSet& state : beam_)
    for (const PatchSet& extension : extensions_of(state))
      if (seen.insert(extension).second) groups.push_back({extension});
  const auto answered = co_await evidence_.evaluate(groups, remaining());
  if (answered < groups.size()) out_of_budget_ = true;

  std::vector<PatchSet> candidates;
  beam_.clear();
  for (std::size_t i = 0; i < answered; ++i)
    (evidence_.sufficient(groups[i][0]) ? candidates : beam_).push_back(groups[i][0]);
  std::sort(beam_.begin(), beam_.end(), [&](auto& a, auto& b) { return evidence_.before(a, b); });
  const auto width = static_cast<std::size_t>(options_.beam_width);
  if (beam_.size() > width) {
    evidence_.note_choice(beam_[width - 1], beam_[width]);
    beam_.resize(width);
  }
  co_return candidates;
}

/// Takes patches away from all candidates in step, small ones first, until none of them can lose another.
Task<void> BeamSearch::reduce(std::vector<PatchSet> candidates) {
  std::vector<PatchSet> active;
  for (const PatchSet& candidate : candidates) enqueue(candidate, active);
  while (!active.empty()) {
    std::sort(active.begin(), active.end(), [&](auto& a, auto& b) {
      return a.size() != b.size() ? a.size() < b.size() : evidence_.before(a, b);
    });
    std::vector<std::vector<PatchSet>> groups;
    for (const PatchSet& set : active) groups.push_back(removals(set));
    const auto answered = co_await evidence_.evaluate(groups, remaining());
    if (answered < active.size()) {
      out_of_budget_ = true;
      if (answered > 0) evidence_.note_choice(active[answered - 1], active[answered]);
    }

    std::vector<PatchSet> next;
    for (std::size_t i = 0; i < answered; ++i) {
      const auto smaller = below(active[i]);
      if (smaller.empty()) minimal_.insert(active[i]);
      for (const PatchSet& set : smaller) enqueue(set, next);
    }
    active = std::move(next);
  }
}

void BeamSearch::enqueue(const PatchSet& set, std::vector<PatchSet>& queue) {
  if (reduced_.insert(set).second) queue.push_back(set);
}

/// Where the reduction goes from `set`, whose single removals are known: nowhere if it is 1-minimal.
std::vector<PatchSet> BeamSearch::below(const PatchSet& set) {
  auto smaller = removals(set);
  std::erase_if(smaller, [&](const PatchSet& subset) { return !evidence_.sufficient(subset); });
  if (options_.reduce == Reduce::all || smaller.size() <= 1) return smaller;
  // of equal p, take the removal of the patch with the smaller index: the larger bit set
  std::partial_sort(smaller.begin(), smaller.begin() + 2, smaller.end(), [&](auto& a, auto& b) {
    return evidence_.p(a) != evidence_.p(b) ? evidence_.p(a) > evidence_.p(b) : b < a;
  });
  evidence_.note_choice(smaller[0], smaller[1]);
  smaller.resize(1);
  return smaller;
}

/// Evaluates all subsets of the minimal sets that are small enough, the cheapest first.
Task<void> BeamSearch::certify() {
  struct Pending {
    std::size_t cost;
    std::vector<PatchSet> subsets;
  };
  std::vector<Pending> pending;
  for (const PatchSet& set : minimal_) {
    if (set.size() > largest_certified) continue;
    auto subsets = proper_subsets(set);
    std::erase_if(subsets, [&](const PatchSet& subset) { return evidence_.knows(subset); });
    if (!subsets.empty()) pending.push_back({subsets.size(), std::move(subsets)});
  }
  std::stable_sort(pending.begin(), pending.end(), [](auto& a, auto& b) { return a.cost < b.cost; });

  std::vector<std::vector<PatchSet>> groups;
  for (auto& [cost, subsets] : pending) groups.push_back(std::move(subsets));
  const long before = evidence_.evaluations();
  const long half = options_.max_evaluations / 2;
  co_await evidence_.evaluate(groups, std::min(remaining(), half - spent_on_certificates_));
  spent_on_certificates_ += evidence_.evaluations() - before;
}

/// Drops the minimal sets that hold a smaller sufficient set, and returns those smaller sets.
std::vector<PatchSet> BeamSearch::replacements() {
  std::vector<PatchSet> out;
  std::erase_if(minimal_, [&](const PatchSet& set) {
    const auto before = out.size();
    for (const PatchSet& other : evidence_.sufficient_sets())
      if (is_proper_subset(other, set)) out.push_back(other);
    return out.size() > before;
  });
  std::erase_if(out, [&](const PatchSet& set) { return reduced_.contains(set); });
  return out;
}

}  // namespace xai::internal
