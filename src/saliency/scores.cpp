#include "xai/saliency/scores.hpp"

#include <ATen/ATen.h>

#include <vector>

namespace xai {

Task<MapScores> score_map(MaskScorer& scorer, at::Tensor map, CurveOptions options) {
  map = map.to(at::kFloat).contiguous();
  const int cells = static_cast<int>(map.numel());
  options.validate(cells);
  const std::vector<int> order = importance_order({map.data_ptr<float>(), static_cast<std::size_t>(cells)});
  const std::vector<int> counts = curve_counts(options, cells);

  // both curves run between b and x: insertion asks for all its points, deletion for those between
  std::vector<MaskQuestion> questions;
  const auto ask = [&](int count, Direction direction) {
    const std::vector<float> mask = curve_mask(order, count, direction);
    questions.push_back({.masks = at::tensor(at::ArrayRef<float>(mask)).view({1, map.size(0), map.size(1)})});
  };
  for (const int count : counts) ask(count, Direction::insertion);
  for (std::size_t t = 1; t + 1 < counts.size(); ++t) ask(counts[t], Direction::deletion);
  const std::vector<MaskAnswer> answers = co_await scorer.answers(std::move(questions));

  std::vector<double> inserted, deleted;
  for (std::size_t i = 0; i < answers.size(); ++i)
    (i < counts.size() ? inserted : deleted).push_back(answers[i].p);
  deleted.insert(deleted.begin(), inserted.back());
  deleted.push_back(inserted.front());
  co_return MapScores{inserted.front(), make_curve(options, cells, Direction::insertion, inserted),
                      make_curve(options, cells, Direction::deletion, deleted)};
}

}  // namespace xai
