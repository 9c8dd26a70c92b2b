#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "xai/core/json.hpp"
#include "xai/store/run_kind.hpp"

namespace xai {

/// The time now in UTC by ISO 8601: "2026-11-23T22:40:38Z".
std::string utc_now();

/// Of this machine; empty where it has none.
std::string host_name();

/// What run.json's tuning chose: the part that must be equal for two runs to have run a model alike. Of
/// several models by name; empty where nothing was chosen.
Json tuning_choices(const Json& tuning);

/// What run.json says of a run (docs/output-format.md). The caller fills in what it knows and writes the
/// document with RunFolder::write_run() at the start, now and then, and at the end.
struct RunInfo {
  const RunKind* kind = nullptr;              ///< of the tool; must be set
  std::string tool_version = {};              ///< "0.1.0"
  std::string git_commit = {};                ///< of the source the tool was built from; empty where unknown
  std::vector<std::string> command = {};      ///< argv
  Json options = Json::object();              ///< every option, resolved
  Json model = Json::object();                ///< path, sha256, card; of several models an array
  std::vector<std::string> class_names = {};  ///< of the models' classes by index; empty where unknown
  Json data = Json::object();                 ///< path, layout, count, sha256
  Json platform = Json::object();             ///< host, libtorch, cuda, device, threads
  Json tuning = {};                           ///< as chosen at the first start; null without
  std::uint64_t seed = 0;

  std::string status = "running";           ///< then "done", "stopped" (by a signal) or "failed"
  std::string started = utc_now();          ///< this session's start
  std::map<std::string, long> counts = {};  ///< records by status, whole run; absent: 0
  long forward = 0;                         ///< rows through the model in this session, padding excluded
  long backward = 0;
  double seconds = 0;  ///< wall clock of this session
};

/// The document. `previous`: RunFolder::previous_run(); its sessions' work is added up: started, sessions,
/// forward, backward, seconds and peak memory are the whole run's. A session that was killed counts as far as
/// it was last written.
Json to_json(const RunInfo& run, const Json& previous = Json());

}  // namespace xai
