#include "xai/saliency/scores.hpp"

#include <ATen/ATen.h>

#include <vector>

namespace xai {

Task<MapScores> score_map(MaskScorer& scorer, at::Tensor map, double p_full, CurveOptions options) {
  map = map.to(at::kFloat).contiguous();
  const int cells = static_cast<int>(map.numel());
  options.validate(cells);
  const std::vector<int> order = importance_order({map.data_ptr<float>(), static_cast<std::size_t>(cells)});
  const std::vector<int> counts = curve_counts(options, cells);

  // both curves run between b and x: insertion asks for b and the points between, deletion for the latter
  std::vector<MaskQuestion> questions;
  const auto ask = [&](int count, Direction direction) {
    const std::vector<float> mask = curve_mask(order, count, direction);
    questions.push_back({.masks = at::tensor(at::ArrayRef<float>(mask)).view({1, map.size(0), map.size(1)})});
  };
  const std::size_t last = counts.size() - 1;
  for (std::size_t t = 0; t < last; ++t) ask(counts[t], Direction::insertion);
  for (std::size_t t = 1; t < last; ++t) ask(counts[t], Direction::deletion);
  const std::vector<MaskAnswer> answers = co_await scorer.answers(std::move(questions));

  std::vector<double> inserted, deleted;
  for (std::size_t i = 0; i < answers.size(); ++i) (i < last ? inserted : deleted).push_back(answers[i].p);
  inserted.push_back(p_full);
  deleted.insert(deleted.begin(), p_full);
  deleted.push_back(inserted.front());
  co_return MapScores{inserted.front(), make_curve(options, cells, Direction::insertion, inserted),
                      make_curve(options, cells, Direction::deletion, deleted)};
}

}  // namespace xai
