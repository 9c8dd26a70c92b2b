#pragma once

#include <set>
#include <unordered_set>
#include <vector>

#include "findings.hpp"

namespace xai::internal {

/// The 1-minimal sets found: reduces sufficient sets to such, certifies them, and replaces those that turn
/// out to hold a smaller sufficient set.
class MinimalSets {
 public:
  MinimalSets(Findings& findings, Reduce reduce, long max_evaluations)
      : findings_(findings), reduce_(reduce), certification_budget_(max_evaluations / 2) {}

  /// Reduces sufficient sets and settles what comes of it.
  Task<void> add(std::vector<PatchSet> candidates);
  /// None holds another set that is known to be sufficient.
  const std::set<PatchSet>& sets() const { return minimal_; }

 private:
  Task<void> reduce(std::vector<PatchSet> candidates);
  void enqueue(const PatchSet& set, std::vector<PatchSet>& queue);
  std::vector<PatchSet> below(const PatchSet& set);
  Task<bool> certify();
  std::vector<PatchSet> replacements();

  struct SmallFirst {
    bool operator()(const PatchSet& a, const PatchSet& b) const {
      return a.size() != b.size() ? a.size() < b.size() : a < b;
    }
  };

  Findings& findings_;
  Reduce reduce_;
  std::set<PatchSet> minimal_;
  std::unordered_set<PatchSet> reduced_;  // sets whose reduction has begun
  std::vector<PatchSet> fresh_;           // new in minimal_, not yet compared with the sufficient sets
  std::size_t compared_ = 0;              // sufficient sets that the others have been compared with
  std::set<PatchSet, SmallFirst> uncertified_;
  long certification_budget_;
};

}  // namespace xai::internal
