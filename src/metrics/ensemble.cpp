#include "xai/metrics/ensemble.hpp"

#include <algorithm>
#include <functional>

#include "xai/core/error.hpp"

namespace xai {
namespace {

constexpr std::size_t largest_set = 3;

/// How many classes come before `label`.
int rank_of(int label, std::span<const double> sums) {
  int rank = 0;
  for (int k = 0; k < label; ++k) rank += sums[k] >= sums[label];
  for (std::size_t k = label; k < sums.size(); ++k) rank += sums[k] > sums[label];
  return rank;
}

}  // namespace

EnsembleCounter::EnsembleCounter(std::size_t models, int classes)
    : models_(models), classes_(classes), sums_(largest_set, std::vector<double>(classes)) {
  grow({});
}

void EnsembleCounter::grow(const std::vector<int>& members) {
  if (members.size() == largest_set) return;
  for (int next = members.empty() ? 0 : members.back() + 1; next < static_cast<int>(models_); ++next) {
    auto grown = members;
    grown.push_back(next);
    sets_.push_back({.members = grown});
    grow(grown);
  }
}

void EnsembleCounter::add(std::span<const std::span<const float>> probabilities, int label) {
  require<Error>(probabilities.size() == models_, "probabilities of ", models_, " models are not ",
                 probabilities.size(), " rows");
  for (const auto& row : probabilities)
    require<Error>(row.size() == static_cast<std::size_t>(classes_), "probabilities of ", classes_,
                   " classes are not ", row.size(), " numbers");
  require<Error>(0 <= label && label < classes_, "label ", label, " is outside 0..", classes_ - 1);
  for (const auto& row : probabilities)
    if (std::all_of(row.begin(), row.end(), [](float p) { return p == 0; })) return;

  ++images_;
  for (Ensemble& set : sets_) {  // means are compared as sums, and those extend the smaller set's
    const std::size_t size = set.members.size();
    const auto& added = probabilities[set.members.back()];
    auto& sums = sums_[size - 1];
    if (size == 1)
      std::copy(added.begin(), added.end(), sums.begin());
    else
      std::transform(sums_[size - 2].begin(), sums_[size - 2].end(), added.begin(), sums.begin(),
                     std::plus<double>());
    const int rank = rank_of(label, sums);
    set.top1 += rank < 1;
    set.top5 += rank < 5;
  }
}

Ensembles EnsembleCounter::result() const {
  Ensembles result{.images = images_, .sets = sets_};
  std::stable_sort(result.sets.begin(), result.sets.end(),
                   [](const Ensemble& a, const Ensemble& b) { return a.members.size() < b.members.size(); });
  return result;
}

}  // namespace xai
