#include "xai/metrics/ensemble.hpp"

#include <algorithm>
#include <functional>
#include <utility>

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

/// All sets in depth-first order: each before its extensions by a later model.
class Sets {
 public:
  Sets(int models, int classes) : rows_(models, std::vector<double>(classes)) {
    for (auto& sums : sums_) sums.resize(classes);
    grow({});
  }

  std::vector<double>& row(int model) { return rows_[model]; }

  /// Counts an image whose rows are in place. Means are compared as sums, and those extend the smaller set's.
  void count(int label) {
    for (Ensemble& set : sets_) {
      const std::size_t size = set.members.size();
      const auto& added = rows_[set.members.back()];
      auto& sums = sums_[size - 1];
      if (size == 1)
        sums = added;
      else
        std::transform(sums_[size - 2].begin(), sums_[size - 2].end(), added.begin(), sums.begin(),
                       std::plus<>());
      const int rank = rank_of(label, sums);
      set.top1 += rank < 1;
      set.top5 += rank < 5;
    }
  }

  std::vector<Ensemble> by_size() {
    std::stable_sort(sets_.begin(), sets_.end(), [](const Ensemble& a, const Ensemble& b) {
      return a.members.size() < b.members.size();
    });
    return std::move(sets_);
  }

 private:
  void grow(const std::vector<int>& members) {
    if (members.size() == largest_set) return;
    for (int next = members.empty() ? 0 : members.back() + 1; next < static_cast<int>(rows_.size()); ++next) {
      auto grown = members;
      grown.push_back(next);
      sets_.push_back({.members = grown});
      grow(grown);
    }
  }

  std::vector<std::vector<double>> rows_;  ///< of each model, one image
  std::vector<double> sums_[largest_set];  ///< of the last set of each size
  std::vector<Ensemble> sets_;
};

}  // namespace

Ensembles count_ensembles(std::span<const std::span<const float>> probabilities, std::span<const int> labels,
                          int classes) {
  const auto models = static_cast<int>(probabilities.size());
  for (const auto& matrix : probabilities)
    require<Error>(matrix.size() == labels.size() * classes, "probabilities of ", labels.size(),
                   " images and ", classes, " classes are not ", matrix.size(), " numbers");
  Sets sets(models, classes);
  long images = 0;
  for (std::size_t image = 0; image < labels.size(); ++image) {
    require<Error>(0 <= labels[image] && labels[image] < classes, "label ", labels[image], " is outside 0..",
                   classes - 1);
    bool evaluated = true;
    for (int model = 0; model < models; ++model) {
      const auto row = probabilities[model].subspan(image * classes, classes);
      evaluated = evaluated && std::any_of(row.begin(), row.end(), [](float p) { return p != 0; });
      std::copy(row.begin(), row.end(), sets.row(model).begin());
    }
    if (!evaluated) continue;
    ++images;
    sets.count(labels[image]);
  }
  return {images, sets.by_size()};
}

}  // namespace xai
