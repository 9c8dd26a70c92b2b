#include "xai/engine/image_in_flight.hpp"

#include <utility>

#include "xai/core/error.hpp"

namespace xai {

ImageInFlight::ImageInFlight(std::size_t index, LoadedImage loaded, MaskableImage maskable, int grid)
    : index_(index), loaded_(std::move(loaded)), maskable_(std::move(maskable)), grid_(grid) {
  scorers_.emplace_back(memo_);
}

Scorer& ImageInFlight::scorer(int target) {
  require(grid_ * grid_ <= PatchSet::capacity, "'grid' must be at most 16 for patch sets, not ", grid_);
  target_ = target;
  memo_.remember(PatchSet::all(grid_ * grid_), {prediction_.of(target), prediction_.rival_of(target)});
  return scorers_.front();
}

MaskScorer& ImageInFlight::masks(int target) {
  target_ = target;
  return masks_;
}

}  // namespace xai
