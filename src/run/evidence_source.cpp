#include "evidence_source.hpp"

#include <algorithm>

#include "map_source.hpp"
#include "set_source.hpp"

namespace xai {

CrossSubject::Model model_of(const FinishedRun& run, const CrossSubject& subject, const char* key) {
  const Json sha256 = run.run().value("identity", Json::object()).value("model", Json());
  const auto model = std::find_if(subject.cards.begin(), subject.cards.end(),
                                  [&](const ModelCard& card) { return sha256 == card.sha256; });
  require(model != subject.cards.end(), "'", key, "' ", run.folder().string(),
          " is of a model that is none of 'models'");
  return static_cast<CrossSubject::Model>(model - subject.cards.begin());
}

std::unique_ptr<EvidenceSource> open_evidence(const CrossSubject& subject) {
  if (subject.options.shows_sets()) return std::make_unique<SetSource>(subject);
  return std::make_unique<MapSource>(subject);
}

}  // namespace xai
