#include "xai/search/diverse.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <numeric>

#include "xai/core/checkpoint.hpp"

namespace xai {
namespace {

using Bits = std::vector<std::uint64_t>;

bool any(const Bits& bits) {
  return std::any_of(bits.begin(), bits.end(), [](auto word) { return word != 0; });
}
void clear(Bits& bits, int i) {
  bits[i / 64] &= ~(std::uint64_t{1} << (i % 64));
}
void set(Bits& bits, int i) {
  bits[i / 64] |= std::uint64_t{1} << (i % 64);
}

/// Calls visit(i) for each set bit, ascending; visit may clear bits beyond i of the same Bits.
template <class Visit>
void for_each_bit(const Bits& bits, const Visit& visit) {
  for (std::size_t w = 0; w < bits.size(); ++w)
    for (auto seen = ~std::uint64_t{0}; (bits[w] & seen) != 0;) {
      const int bit = std::countr_zero(bits[w] & seen);
      seen = bit == 63 ? 0 : ~std::uint64_t{0} << (bit + 1);
      visit(static_cast<int>(64 * w) + bit);
    }
}

class MaximumClique {
 public:
  MaximumClique(std::vector<Bits> neighbours, long work) : neighbours_(std::move(neighbours)), work_(work) {
    const auto n = neighbours_.size();
    Bits all((n + 63) / 64);
    for (std::size_t v = 0; v < n; ++v) set(all, static_cast<int>(v));
    expand(std::move(all));
  }

  const std::vector<int>& best() const { return best_; }
  bool exact() const { return work_ > 0; }

 private:
  struct Coloured {
    int vertex;
    int colours;  // a clique among this vertex and those before it has at most so many members
  };

  std::vector<Coloured> colour(const Bits& candidates) {
    std::vector<Coloured> order;
    Bits uncoloured = candidates;
    for (int colours = 1; any(uncoloured); ++colours) {
      Bits independent = uncoloured;
      for_each_bit(independent, [&](int v) {
        checkpoint();
        order.push_back({v, colours});
        clear(uncoloured, v);
        for (std::size_t w = v / 64; w < independent.size(); ++w) independent[w] &= ~neighbours_[v][w];
        work_ -= 16 + static_cast<long>(independent.size());
      });
    }
    return order;
  }

  void expand(Bits candidates) {
    const auto order = colour(candidates);
    for (auto next = order.rbegin(); next != order.rend() && exact(); ++next) {
      checkpoint();
      if (current_.size() + next->colours <= best_.size()) return;
      current_.push_back(next->vertex);
      Bits common = candidates;
      for (std::size_t w = 0; w < common.size(); ++w) common[w] &= neighbours_[next->vertex][w];
      if (current_.size() > best_.size()) best_ = current_;
      if (any(common)) expand(std::move(common));
      current_.pop_back();
      clear(candidates, next->vertex);
    }
  }

  std::vector<Bits> neighbours_;
  long work_;
  std::vector<int> current_;
  std::vector<int> best_;
};

}  // namespace

DiverseFamily largest_diverse_family(std::span<const PatchSet> sets, int max_overlap, long work) {
  const auto n = sets.size();
  const auto compatible = [&](std::size_t a, std::size_t b) {
    return sets[a].overlap(sets[b]) <= max_overlap;
  };
  std::vector<int> degree(n, 0);
  for (std::size_t a = 0; a < n; ++a) {
    checkpoint();
    for (std::size_t b = 0; b < a; ++b)
      if (compatible(a, b)) ++degree[a], ++degree[b];
  }

  // vertices of high degree first make tight colourings
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return degree[a] > degree[b]; });

  std::vector<Bits> neighbours(n, Bits((n + 63) / 64));
  for (std::size_t a = 0; a < n; ++a) {
    checkpoint();
    for (std::size_t b = 0; b < a; ++b)
      if (compatible(order[a], order[b])) {
        set(neighbours[a], static_cast<int>(b));
        set(neighbours[b], static_cast<int>(a));
      }
  }

  const MaximumClique clique(std::move(neighbours), work);
  DiverseFamily family;
  family.exact = clique.exact();
  for (const int v : clique.best()) family.members.push_back(order[v]);
  std::sort(family.members.begin(), family.members.end());
  return family;
}

}  // namespace xai
