#include "model_pool.hpp"

#include <algorithm>
#include <utility>

namespace xai {

ModelPool::ModelPool(std::vector<Entry> models, const ComputePlan& plan, OpenModel open, int most)
    : models_(std::move(models)),
      loaded_(models_.size()),
      plan_(plan),
      open_(std::move(open)),
      most_(most > 0 ? static_cast<std::size_t>(most) : models_.size()) {}

std::shared_ptr<Classifier> ModelPool::get(std::size_t model, const Json& tuning) {
  std::erase(recent_, model);
  if (!loaded_[model]) {
    while (recent_.size() >= most_) {
      loaded_[recent_.front()] = nullptr;
      recent_.pop_front();
    }
    Entry& entry = models_[model];
    if (entry.tuning.is_null()) entry.tuning = tuning;
    loaded_[model] = open_model(entry.card, plan_, open_, entry.tuning, entry.needs);
    entry.tuning = loaded_[model]->tuning();
  }
  recent_.push_back(model);
  return loaded_[model];
}

Json ModelPool::tunings() const {
  Json tunings = Json::object();
  for (const Entry& entry : models_)
    if (!entry.tuning.is_null()) tunings[entry.card.name] = entry.tuning;
  return tunings;
}

}  // namespace xai
