#pragma once

#include <filesystem>
#include <string>

#include "xai/core/json.hpp"

namespace xai {

/// Of run.json, of every summary.json and of the baselines of xai-crosstest: MAJOR.MINOR. Another minor
/// version adds fields; another major one gives the same name to something else.
inline constexpr const char* schema_version = "2.0";

/// Throws UsageError where `document`, which `file` holds, has another major version than ours, naming the
/// file and both versions. `remake`: the command that makes the file anew.
void require_schema(const Json& document, const std::filesystem::path& file, const std::string& remake);

/// The command that makes a run anew in its folder, by its run.json: the one it was made with, where that is
/// known.
std::string remaking_command(const Json& run);

}  // namespace xai
