#include "xai/report/json.hpp"

#include <cmath>

namespace xai {

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

std::string to_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace xai
