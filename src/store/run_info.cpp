#include "xai/store/run_info.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string>
#include <type_traits>

#include "xai/core/error.hpp"
#include "xai/core/memory.hpp"
#include "xai/store/schema.hpp"

namespace xai {
namespace {

/// What an earlier session said; `otherwise` where that is no text, or no number that a run can have.
template <class T>
T earlier(const Json& previous, const char* field, T otherwise) {
  const Json value = previous.is_object() ? previous.value(field, Json()) : Json();
  bool fits = false;
  if constexpr (std::is_same_v<T, std::string>) {
    fits = value.is_string();
  } else {
    constexpr double most = 1e18;
    fits = (value.is_number_integer() || (value.is_number() && std::is_floating_point_v<T>)) &&
           value.get<double>() >= 0 && value.get<double>() <= most;
  }
  return fits ? value.get<T>() : otherwise;
}

}  // namespace

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[sizeof "2026-11-23T22:40:38Z"];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

Json tuning_choices(const Json& tuning) {
  Json choices = Json::object();
  if (!tuning.is_object()) return choices;
  for (const auto& [key, value] : tuning.items())
    if (value.is_object())
      choices[key] = tuning_choices(value);
    else if (key == "choice" || key == "gradient_choice")
      choices[key] = value;
  return choices;
}

Json to_json(const RunInfo& run, const Json& previous) {
  require<Error>(run.kind != nullptr, "a run of no kind");
  Json counts = Json::object();
  for (const std::string& status : run.kind->statuses) counts[status] = 0;
  for (const auto& [status, count] : run.counts) counts[status] = count;
  return Json{{"schema_version", schema_version},
              {"tool", run.kind->tool},
              {"tool_version", run.tool_version},
              {"git_commit", run.git_commit.empty() ? Json() : Json(run.git_commit)},
              {"status", run.status},
              {"command", run.command},
              {"options", run.options},
              {"model", run.model},
              {"class_names", run.class_names.empty() ? Json() : Json(run.class_names)},
              {"data", run.data},
              {"platform", run.platform},
              {"tuning", run.tuning},
              {"seed", run.seed},
              {"started", earlier(previous, "started", run.started)},
              {"ended", run.status == "running" ? Json() : Json(utc_now())},
              {"sessions", earlier(previous, "sessions", 0L) + 1},
              {"counts", counts},
              {"forward", earlier(previous, "forward", 0L) + run.forward},
              {"backward", earlier(previous, "backward", 0L) + run.backward},
              {"seconds", earlier(previous, "seconds", 0.0) + run.seconds},
              {"peak_memory_bytes",
               std::max(earlier(previous, "peak_memory_bytes", std::int64_t{0}), peak_memory_bytes())}};
}

}  // namespace xai
