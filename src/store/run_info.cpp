#include "xai/store/run_info.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "xai/core/error.hpp"
#include "xai/core/memory.hpp"
#include "xai/store/schema.hpp"

namespace xai {
namespace {

template <class T>
T earlier(const Json& previous, const char* field, T otherwise) {
  return previous.is_object() && previous.contains(field) && !previous[field].is_null()
             ? previous[field].get<T>()
             : otherwise;
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
