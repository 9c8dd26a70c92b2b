#include "xai/record/cross_record.hpp"

#include <utility>

namespace xai {
namespace {

/// A record with all fields in their order, as of a pair without a curve.
Json bare_record(const CrossPair& pair, std::string_view status, Json reason) {
  const auto number = [](const std::optional<double>& value) {
    return value ? number_or_null(*value) : Json();
  };
  return Json{{"image", pair.image},
              {"source", pair.source},
              {"target_model", pair.target_model},
              {"status", status},
              {"reason", std::move(reason)},
              {"class", value_or_null(pair.target)},
              {"label", value_or_null(pair.label)},
              {"predicted", value_or_null(pair.predicted)},
              {"f_full", number(pair.f_full)},
              {"f_baseline", number(pair.f_baseline)},
              {"outside", number(pair.outside)},
              {"auc", nullptr},
              {"curve", Json::array()}};
}

}  // namespace

Json cross_record(const CrossPair& pair) {
  if (!pair.curve) return bare_record(pair, "undefined", "gap");
  Json record = bare_record(pair, "ok", nullptr);
  record["auc"] = number_or_null(pair.curve->auc);
  for (const double value : pair.curve->values) record["curve"].push_back(number_or_null(value));
  return record;
}

Json undefined_cross_record(const CrossPair& pair, std::string_view reason) {
  return bare_record(pair, "undefined", reason);
}

Json failed_cross_record(const CrossPair& pair, std::string_view message) {
  return bare_record(pair, "error", message);
}

}  // namespace xai
