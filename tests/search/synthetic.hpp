#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "xai/search/mse.hpp"

namespace xai::testing {

using Score = std::function<double(const PatchSet&)>;

/// Answers a search as an engine would that takes `chunk` sets at a time.
inline MseResult find_in_chunks(const Score& score, const MseOptions& options, std::size_t chunk) {
  Scorer scorer;
  auto search = find_mses(scorer, options);
  search.start();
  while (!search.done()) {
    while (scorer.queued() > 0)
      for (const PatchSet& set : scorer.take(chunk)) scorer.answer(set, score(set));
    scorer.resume();
  }
  return search.result();
}

inline MseResult find(const Score& score, const MseOptions& options) {
  Scorer scorer;
  return run_search(scorer, find_mses(scorer, options), score);
}

inline std::vector<PatchSet> sets(const MseResult& result) {
  std::vector<PatchSet> out;
  for (const Mse& mse : result.mses) out.push_back(mse.patches);
  std::sort(out.begin(), out.end());
  return out;
}

/// A number in [0, 1) that depends on nothing but its arguments.
inline double noise(std::uint64_t seed, const PatchSet& set) {
  auto x = seed * 0x9E3779B97F4A7C15ULL ^ std::hash<PatchSet>()(set);
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return static_cast<double>((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

/// Monotone: 1 where a planted set is shown in full, else up to 0.8 by the best covered one.
inline Score planted(std::vector<PatchSet> minimal) {
  return [minimal = std::move(minimal)](const PatchSet& set) {
    double best = 0;
    for (const PatchSet& m : minimal) {
      const double share = static_cast<double>(m.overlap(set)) / m.size();
      best = std::max(best, share == 1 ? 1 : 0.01 + 0.79 * share);
    }
    return best;
  };
}

/// Grows with the patches shown, shaken by noise: not monotone.
inline Score shaken(int grid, std::uint64_t seed, double amplitude = 0.4) {
  const int patches = grid * grid;
  return [=](const PatchSet& set) {
    if (set.size() == patches) return 1.0;
    double sum = 0;
    double shown = 0;
    for (int patch = 0; patch < patches; ++patch) {
      const double weight = 0.2 + noise(seed, PatchSet{patch});
      sum += weight;
      if (set.contains(patch)) shown += weight;
    }
    return std::max(0.0, std::min(1.0, 1.4 * shown / sum - 0.1 + amplitude * (noise(seed + 1, set) - 0.5)));
  };
}

/// Ground truth by definition: p / p(all) >= tau, and no proper subset is. Any grid of at most 16 patches.
struct Enumeration {
  std::vector<PatchSet> mses;
  std::vector<PatchSet> one_minimal;

  Enumeration(const Score& score, int grid, double threshold = 0.9) {
    const std::uint32_t count = 1U << (grid * grid);
    const double full = score(PatchSet::from_bits(count - 1));
    std::vector<char> sufficient(count);
    for (std::uint32_t s = 0; s < count; ++s)
      sufficient[s] = score(PatchSet::from_bits(s)) / full >= threshold;
    for (std::uint32_t s = 0; s < count; ++s) {
      if (!sufficient[s]) continue;
      bool one = true;
      for (int patch = 0; patch < grid * grid; ++patch)
        if ((s >> patch & 1U) != 0 && sufficient[s ^ (1U << patch)]) one = false;
      if (!one) continue;
      one_minimal.push_back(PatchSet::from_bits(s));
      bool all = s != 0 && !sufficient[0];
      for (std::uint32_t t = s; all && t != 0;) {  // the proper subsets of s
        t = (t - 1) & s;
        if (sufficient[t]) all = false;
      }
      if (all) mses.push_back(PatchSet::from_bits(s));
    }
  }
};

}  // namespace xai::testing
