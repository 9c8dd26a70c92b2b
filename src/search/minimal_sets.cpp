#include "minimal_sets.hpp"

#include "subsets.hpp"

namespace xai::internal {
namespace {

constexpr int largest_certified = 10;  // SPEC 4: at most 1,023 proper subsets

bool is_proper_subset(const PatchSet& a, const PatchSet& b) {
  return a != b && a.is_subset_of(b);
}

}  // namespace

Task<void> MinimalSets::add(std::vector<PatchSet> candidates) {
  while (!candidates.empty()) {
    co_await reduce(std::move(candidates));
    for (bool more = true; more;) more = co_await certify();  // not as a condition: g++ 12 miscompiles that
    candidates = replacements();
  }
}

/// Takes patches away from many sets, one patch of each in a round, until none can lose another. Small sets
/// come first, and a round takes only so many that reducing all of them to the end costs at most a quarter of
/// the budget that is left (but always one): so some sets are finished even where many large ones wait.
Task<void> MinimalSets::reduce(std::vector<PatchSet> candidates) {
  std::vector<PatchSet> queue;
  for (const PatchSet& candidate : candidates) enqueue(candidate, queue);
  while (!queue.empty() && !findings_.out_of_budget()) {
    std::sort(queue.begin(), queue.end(), [&](const PatchSet& a, const PatchSet& b) {
      return a.size() != b.size() ? a.size() < b.size() : findings_.before(a, b);
    });
    std::vector<std::vector<PatchSet>> groups;
    long cost = 0;
    for (const PatchSet& set : queue) {
      cost += set.size() * (set.size() + 1L) / 2;
      if (!groups.empty() && cost > findings_.remaining() / 4) break;
      groups.push_back(removals(set));
    }
    const auto answered = co_await findings_.evaluate(groups);
    if (findings_.out_of_budget() && answered > 0)
      findings_.note_choice(findings_.log_p(queue[answered - 1]), findings_.log_p(queue[answered]));

    std::vector<PatchSet> rest(queue.begin() + answered, queue.end());
    for (std::size_t i = 0; i < answered; ++i) {
      const auto smaller = below(queue[i]);
      if (smaller.empty() && minimal_.insert(queue[i]).second) {
        fresh_.push_back(queue[i]);
        if (queue[i].size() <= largest_certified) uncertified_.insert(queue[i]);
      }
      for (const PatchSet& set : smaller) enqueue(set, rest);
    }
    queue = std::move(rest);
  }
}

void MinimalSets::enqueue(const PatchSet& set, std::vector<PatchSet>& queue) {
  if (reduced_.insert(set).second) queue.push_back(set);
}

/// Where the reduction goes from `set`, whose single removals are known: nowhere if it is 1-minimal.
std::vector<PatchSet> MinimalSets::below(const PatchSet& set) {
  auto smaller = removals(set);  // by ascending removed patch, the order that settles ties
  std::erase_if(smaller, [&](const PatchSet& subset) { return !findings_.sufficient(subset); });
  if (reduce_ == Reduce::all || smaller.size() <= 1) return smaller;
  std::stable_sort(smaller.begin(), smaller.end(),
                   [&](const PatchSet& a, const PatchSet& b) { return findings_.p(a) > findings_.p(b); });
  findings_.note_choice(findings_.log_p(smaller[0]), findings_.log_p(smaller[1]));
  smaller.resize(1);
  return smaller;
}

/// Evaluates all subsets of minimal sets, small ones first, while they fit into half of the image's budget.
/// Counts subsets that two of them share twice, so it may be worth another call: false when it did nothing.
Task<bool> MinimalSets::certify() {
  std::vector<std::vector<PatchSet>> groups;
  long room = std::min(findings_.remaining(), certification_budget_);
  while (!uncertified_.empty()) {
    auto subsets = proper_subsets(*uncertified_.begin());
    std::erase_if(subsets, [&](const PatchSet& subset) { return findings_.knows(subset); });
    const auto cost = static_cast<long>(subsets.size());
    if (cost > room) break;
    room -= cost;
    groups.push_back(std::move(subsets));
    uncertified_.erase(uncertified_.begin());
  }
  const long before = findings_.evaluations();
  co_await findings_.evaluate(groups);
  certification_budget_ -= findings_.evaluations() - before;
  co_return !groups.empty();
}

/// Drops the minimal sets that hold a smaller sufficient set, and returns those smaller sets.
std::vector<PatchSet> MinimalSets::replacements() {
  const auto& sufficient = findings_.sufficient_sets();
  std::vector<PatchSet> out;
  const auto refuted_since = [&](std::size_t from, const PatchSet& set) {
    const auto before = out.size();
    for (auto i = from; i < sufficient.size(); ++i)
      if (is_proper_subset(sufficient[i], set)) out.push_back(sufficient[i]);
    return out.size() > before;
  };
  const std::unordered_set<PatchSet> fresh(fresh_.begin(), fresh_.end());
  std::erase_if(minimal_, [&](const PatchSet& set) {
    const bool refuted = refuted_since(fresh.contains(set) ? 0 : compared_, set);
    if (refuted) uncertified_.erase(set);
    return refuted;
  });
  fresh_.clear();
  compared_ = sufficient.size();
  std::erase_if(out, [&](const PatchSet& set) { return reduced_.contains(set); });
  return out;
}

}  // namespace xai::internal
