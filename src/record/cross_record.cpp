#include "xai/record/cross_record.hpp"

#include <algorithm>
#include <span>

namespace xai {
namespace {

long at_least(double threshold, std::span<const double> ratios) {
  return std::count_if(ratios.begin(), ratios.end(), [&](double ratio) { return ratio >= threshold; });
}

Json sets_record(const ShownSets& sets) {
  const std::span ratios(sets.ratios);
  return {{"threshold", sets.threshold},
          {"shown", sets.shown},
          {"sufficient", at_least(sets.threshold, ratios)},
          {"smallest", sets.smallest},
          {"smallest_sufficient", at_least(sets.threshold, ratios.first(sets.smallest))},
          {"ratios", numbers_or_nulls(sets.ratios)},
          {"random_ratios", numbers_or_nulls(sets.random_ratios)},
          {"other_image", sets.other_image.empty() ? Json() : Json(sets.other_image)},
          {"other_ratios", numbers_or_nulls(sets.other_ratios)}};
}

/// A record with all fields in their order, as of a pair without a test.
Json bare_record(const CrossPair& pair, std::string_view status, const Json& reason) {
  Json record = preamble(pair.facts, status, reason);
  record.update(Json{{"source", pair.source},
                     {"model", pair.model},
                     {"outside", pair.outside ? number_or_null(*pair.outside) : Json()},
                     {"auc", nullptr},
                     {"curve", Json::array()},
                     {"sets", nullptr},
                     {"picture", pair.facts.picture.empty() ? Json() : Json(pair.facts.picture)}});
  return record;
}

}  // namespace

Json cross_record(const CrossPair& pair) {
  if (!pair.curve && !pair.sets) return bare_record(pair, "undefined", "gap");
  Json record = bare_record(pair, "ok", nullptr);
  if (pair.curve) {
    record["auc"] = number_or_null(pair.curve->auc);
    record["curve"] = numbers_or_nulls(pair.curve->values);
  }
  if (pair.sets) record["sets"] = sets_record(*pair.sets);
  return record;
}

Json blank_cross_record(const CrossPair& pair, std::string_view status, std::string_view reason) {
  return bare_record(pair, status, reason);
}

}  // namespace xai
