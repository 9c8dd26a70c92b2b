#pragma once

#include <span>
#include <vector>

namespace xai {

/// How alike maps of one image are that were made with unlike seeds. Means over all pairs of maps.
struct MapLikeness {
  double
      rank_correlation;  ///< Spearman's, -1 .. 1, equal cells share their mean rank; NaN where a map is flat
  double top_overlap;    ///< share of the most important tenth of the cells that both maps have, 0 .. 1
};

/// Of at least two maps, each of equally many cells, row by row, higher = more important. The most important
/// tenth: the first max(1, floor(cells / 10 + 1/2)) of importance_order().
MapLikeness likeness_of(std::span<const std::vector<float>> maps);

}  // namespace xai
