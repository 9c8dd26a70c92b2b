#include "xai/record/mse_record.hpp"

#include "xai/core/error.hpp"

namespace xai {
namespace {

/// A record with all fields in their order, as of an image that was not searched.
Json bare_record(const ImageFacts& facts, const MseOptions& options, std::string_view status,
                 const Json& reason) {
  Json record = preamble(facts, status, reason);
  record.update(Json{{"grid", options.grid},
                     {"sufficient", name(options.sufficient)},
                     {"threshold", options.threshold},
                     {"mses", Json::array()},
                     {"found", nullptr},
                     {"diverse", nullptr},
                     {"diverse_exact", nullptr},
                     {"diverse_members", Json::array()},
                     {"min_size", nullptr},
                     {"stop_reason", nullptr},
                     {"evaluations", nullptr},
                     {"near_ties", nullptr},
                     {"picture", facts.picture.empty() ? Json() : Json(facts.picture)},
                     {"seconds", facts.seconds}});
  return record;
}

Json to_json(const Mse& mse) {
  return Json{{"patches", mse.patches.patches()},
              {"p", mse.p},
              {"ratio", mse.ratio},
              {"keeps_top1", mse.keeps_top1 ? Json(*mse.keeps_top1) : Json()},
              {"certificate", name(mse.certificate)},
              {"checked_depth", mse.checked_depth}};
}

Json to_json(const CountEstimate& estimate) {
  return Json{{"value", number_or_null(estimate.value)},
              {"se", number_or_null(estimate.se)},
              {"low", number_or_null(estimate.low)},
              {"high", number_or_null(estimate.high)}};
}

/// The value that is called `text`.
template <class Enum>
Enum known(const std::string& text) {
  const std::optional<Enum> value = named<Enum>(text);
  require<DataError>(value.has_value(), "a record of MSEs has the unknown word '", text, "'");
  return *value;
}

Mse read_mse(const Json& json, int patches) {
  Mse mse;
  for (const int patch : json.at("patches")) {
    require<DataError>(patch >= 0 && patch < patches, "a record of MSEs has patch ", patch, " of ", patches);
    mse.patches.insert(patch);
  }
  require<DataError>(!mse.patches.empty(), "a record of MSEs has an empty one");
  mse.p = json.at("p");
  mse.ratio = json.at("ratio");
  if (const Json& top1 = json.at("keeps_top1"); !top1.is_null()) mse.keeps_top1 = top1.get<bool>();
  mse.certificate = known<Certificate>(json.at("certificate"));
  mse.checked_depth = json.at("checked_depth");
  return mse;
}

}  // namespace

Json mse_record(const ImageFacts& facts, const MseOptions& options, const MseResult& result) {
  const auto [status, reason] = words_of(result.status);
  Json record = bare_record(facts, options, status, reason.empty() ? Json() : Json(reason));
  record["p_full"] = number_or_null(result.p_full);
  record["p_baseline"] = number_or_null(result.p_baseline);
  record["evaluations"] = result.evaluations;
  record["near_ties"] = result.near_ties;
  if (status == "skipped") return record;

  for (const Mse& mse : result.mses) record["mses"].push_back(to_json(mse));
  record["found"] = result.mses.size();
  record["diverse"] = result.diverse_members.size();
  record["diverse_exact"] = result.diverse_exact;
  record["diverse_members"] = result.diverse_members;
  if (!result.mses.empty()) record["min_size"] = result.mses.front().patches.size();
  record["stop_reason"] = name(result.stop_reason);
  return record;
}

Json estimate_json(const std::optional<EstimateResult>& estimate, std::uint64_t seed) {
  if (!estimate) return nullptr;
  const EstimateResult& e = *estimate;
  Json by_size = Json::object();
  for (const auto& [size, value] : e.by_size) by_size[std::to_string(size)] = number_or_null(value);
  return Json{{"one_minimal", to_json(e.one_minimal)},
              {"mses", to_json(e.mses)},
              {"by_size", by_size},
              {"mean_size", e.mean_size ? number_or_null(*e.mean_size) : Json()},
              {"patch_share", e.patch_share},
              {"exact_up_to", e.exact_up_to},
              {"up_to", e.up_to},
              {"units", e.units},
              {"capped", e.capped},
              {"coverage", e.coverage},
              {"evaluations", e.evaluations},
              {"effective_sample_size", number_or_null(e.effective_sample_size)},
              {"non_monotone_share", e.non_monotone_share},
              {"seed", seed},
              {"trusted", e.trusted}};
}

Json blank_mse_record(const ImageFacts& facts, const MseOptions& options, std::string_view status,
                      std::string_view reason) {
  Json record = bare_record(facts, options, status, reason);
  if (status == "skipped") record["evaluations"] = 1;  // the intact image
  return record;
}

MseResult read_mse_record(const Json& record) try {
  require<DataError>(record.at("status") == "ok", "an image without MSEs was not searched");
  MseResult result;
  result.p_full = record.at("p_full");
  result.p_baseline = record.at("p_baseline");
  const int grid = record.at("grid");
  for (const Json& mse : record.at("mses")) result.mses.push_back(read_mse(mse, grid * grid));
  result.diverse_members = record.at("diverse_members").get<std::vector<int>>();
  result.diverse_exact = record.at("diverse_exact");
  result.stop_reason = known<StopReason>(record.at("stop_reason"));
  result.evaluations = record.at("evaluations");
  result.near_ties = record.at("near_ties");
  return result;
} catch (const Json::exception& error) {
  throw DataError(cat("not a record of xai-mse: ", error.what()));
}

}  // namespace xai
