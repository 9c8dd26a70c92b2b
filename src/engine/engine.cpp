#include "xai/engine/engine.hpp"

#include "scheduler.hpp"
#include "xai/core/error.hpp"

namespace xai {

void EngineOptions::validate() const {
  require(grid >= 2, "'grid' must be at least 2, not ", grid);
  require(batch_size >= 1, "'batch_size' must be at least 1, not ", batch_size);
  require(lanes >= 1, "'threads' must be at least 1, not ", lanes);
  require(images_in_flight >= 1, "'images_in_flight' must be at least 1, not ", images_in_flight);
  require(prefetch >= 1, "'prefetch' must be at least 1, not ", prefetch);
}

Engine::Engine(Classifier& classifier, const EngineOptions& options)
    : classifier_(classifier), options_(options) {
  options_.validate();
}

EngineReport Engine::run(std::size_t count, Analysis& analysis,
                         const std::function<bool(const EngineReport&)>& keep_going) {
  return Scheduler(classifier_, options_, count, analysis).run(keep_going);
}

}  // namespace xai
