#include "xai/search/mse.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "beam.hpp"
#include "exhaustive.hpp"
#include "findings.hpp"
#include "xai/core/checkpoint.hpp"
#include "xai/core/error.hpp"
#include "xai/search/diverse.hpp"

namespace xai {
namespace {

using internal::Findings;

/// The largest d such that every subset of `set` with up to d patches removed has been evaluated.
int checked_depth(const Findings& findings, const PatchSet& set) {
  const auto patches = set.patches();
  const auto size = static_cast<int>(patches.size());
  for (int depth = 1; depth <= size; ++depth) {
    std::vector<char> removed(patches.size(), 0);
    std::fill(removed.end() - depth, removed.end(), 1);
    do {
      PatchSet subset;
      for (std::size_t i = 0; i < patches.size(); ++i)
        if (!removed[i]) subset.insert(patches[i]);
      if (!findings.knows(subset)) return depth - 1;
    } while (std::next_permutation(removed.begin(), removed.end()));
  }
  return size;
}

bool by_size_then_patches(const PatchSet& a, const PatchSet& b) {
  if (a.size() != b.size()) return a.size() < b.size();
  return a.patches() < b.patches();
}

Task<MseResult> search(Scorer& scorer, MseOptions options, int patches) {
  MseResult result;
  const bool exhaustive = options.search == SearchKind::exhaustive;
  Findings findings(scorer, options.sufficient, options.threshold, patches,
                    exhaustive ? std::numeric_limits<long>::max() : options.max_evaluations);
  co_await findings.open();
  result.p_full = findings.p_full();
  result.p_baseline = findings.p(PatchSet());

  std::vector<PatchSet> minimal;
  if (result.p_full <= 0) {
    result.status = MseStatus::zero_probability;
  } else if (!findings.sufficient(PatchSet::all(patches))) {
    result.status = MseStatus::wrong;
  } else if (findings.sufficient(PatchSet())) {
    result.status = MseStatus::baseline_sufficient;
  } else if (exhaustive) {
    minimal = co_await internal::exhaustive_search(findings, patches);
  } else {
    internal::BeamSearch beam(findings, options, patches);
    result.stop_reason = co_await beam.run();
    minimal.assign(beam.minimal().begin(), beam.minimal().end());
  }

  std::sort(minimal.begin(), minimal.end(), by_size_then_patches);
  for (const PatchSet& set : minimal) {
    checkpoint();
    const int depth = checked_depth(findings, set);
    const auto certificate = depth == set.size() ? Certificate::all_subsets : Certificate::single_removal;
    findings.note_report(set);
    result.mses.push_back(
        {set, findings.p(set), findings.ratio(set), findings.keeps_top1(set), certificate, depth});
  }
  auto diverse = largest_diverse_family(minimal, options.max_overlap);
  result.diverse_members = std::move(diverse.members);
  result.diverse_exact = diverse.exact;
  result.evaluations = findings.evaluations();
  result.near_ties = findings.near_ties();
  co_return result;
}

}  // namespace

std::pair<std::string_view, std::string_view> words_of(MseStatus status) {
  switch (status) {
    case MseStatus::ok:
      return {"ok", ""};
    case MseStatus::baseline_sufficient:
      return {"baseline-sufficient", ""};
    case MseStatus::zero_probability:
      return {"skipped", "zero-probability"};
    case MseStatus::wrong:
      return {"skipped", "wrong"};
  }
  std::abort();  // no other is made
}

Task<MseResult> find_mses(Scorer& scorer, MseOptions options, int patches) {
  patches == 0 ? options.validate() : validate_described(options);
  patches = internal::patch_count(options.grid, patches);
  require(options.search == SearchKind::beam || patches <= 16,
          "'search' must be beam for more than 16 patches; here are ", patches);
  return search(scorer, std::move(options), patches);
}

}  // namespace xai
