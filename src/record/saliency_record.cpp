#include "xai/record/saliency_record.hpp"

#include "xai/core/text.hpp"
#include "xai/store/file_name.hpp"

namespace xai {
namespace {

/// A record with all fields in their order, as of an image without a map.
Json bare_record(const ImageFacts& image, const SaliencySetting& setting, std::string_view status,
                 const Json& reason) {
  Json record = preamble(image, status, reason);
  record.update(Json{{"method", setting.method},
                     {"size", setting.size},
                     {"map", nullptr},
                     {"metric", name(setting.metric)},
                     {"insertion", nullptr},
                     {"deletion", nullptr},
                     {"undefined", nullptr},
                     {"forward", nullptr},
                     {"backward", nullptr},
                     {"iterations", nullptr},
                     {"stop_reason", nullptr},
                     {"objective", Json::object()},
                     {"near_ties", nullptr},
                     {"repeats", nullptr},
                     {"picture", image.picture.empty() ? Json() : Json(image.picture)},
                     {"seconds", image.seconds}});
  return record;
}

Json to_json(const std::optional<Curve>& curve) {
  if (!curve) return nullptr;
  return Json{{"auc", number_or_null(curve->auc)}, {"curve", numbers_or_nulls(curve->values)}};
}

}  // namespace

Json saliency_record(const ImageFacts& image, const SaliencySetting& setting, const SaliencyFacts& facts) {
  Json record = bare_record(image, setting, "ok", nullptr);
  record["map"] = facts.map;
  record["insertion"] = to_json(facts.insertion);
  record["deletion"] = to_json(facts.deletion);
  if (!facts.insertion || !facts.deletion) record["undefined"] = "gap";
  record["forward"] = facts.forward;
  record["backward"] = facts.backward;
  record["iterations"] = facts.iterations;
  record["stop_reason"] = value_or_null(facts.stop_reason);
  for (const auto& [part, values] : facts.objective) record["objective"][part] = numbers_or_nulls(values);
  record["near_ties"] = facts.near_ties;
  if (facts.likeness)
    record["repeats"] = {{"maps", facts.repeats},
                         {"rank_correlation", number_or_null(facts.likeness->rank_correlation)},
                         {"top_overlap", number_or_null(facts.likeness->top_overlap)}};
  return record;
}

Json blank_saliency_record(const ImageFacts& image, const SaliencySetting& setting, std::string_view status,
                           std::string_view reason) {
  Json record = bare_record(image, setting, status, reason);
  if (status != "skipped") return record;
  record["forward"] = 1;  // the intact image
  record["backward"] = 0;
  return record;
}

std::string saliency_map_path(const std::string& model, const std::string& image, const std::string& method,
                              int repeat) {
  const std::string which = repeat > 0 ? cat(".r", repeat) : "";
  return cat("maps/", file_name_of(model, "/"), file_name_of(image, cat(".", method, which, ".npy")));
}

}  // namespace xai
