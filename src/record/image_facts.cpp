#include "xai/record/image_facts.hpp"

namespace xai {
namespace {

Json probability(const std::optional<double>& p) {
  return p ? number_or_null(*p) : Json();
}

}  // namespace

Json preamble(const ImageFacts& facts, std::string_view status, const Json& reason) {
  return Json{{"image", facts.image},
              {"content", facts.content.empty() ? Json() : Json(facts.content)},
              {"status", status},
              {"reason", reason},
              {"label", value_or_null(facts.label)},
              {"predicted", value_or_null(facts.predicted)},
              {"target", value_or_null(facts.target)},
              {"p_full", probability(facts.p_full)},
              {"p_baseline", probability(facts.p_baseline)}};
}

Json numbers_or_nulls(std::span<const double> values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(number_or_null(value));
  return list;
}

}  // namespace xai
