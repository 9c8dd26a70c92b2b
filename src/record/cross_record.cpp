#include "xai/record/cross_record.hpp"

namespace xai {
namespace {

/// A record with all fields in their order, as of a pair without a curve.
Json bare_record(const CrossPair& pair, std::string_view status, const Json& reason) {
  Json record = preamble(pair.facts, status, reason);
  record.update(Json{{"source", pair.source},
                     {"model", pair.model},
                     {"outside", pair.outside ? number_or_null(*pair.outside) : Json()},
                     {"auc", nullptr},
                     {"curve", Json::array()},
                     {"picture", pair.facts.picture.empty() ? Json() : Json(pair.facts.picture)}});
  return record;
}

}  // namespace

Json cross_record(const CrossPair& pair) {
  if (!pair.curve) return bare_record(pair, "undefined", "gap");
  Json record = bare_record(pair, "ok", nullptr);
  record["auc"] = number_or_null(pair.curve->auc);
  for (const double value : pair.curve->values) record["curve"].push_back(number_or_null(value));
  return record;
}

Json blank_cross_record(const CrossPair& pair, std::string_view status, std::string_view reason) {
  return bare_record(pair, status, reason);
}

}  // namespace xai
