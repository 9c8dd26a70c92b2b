#pragma once

#include <string>
#include <vector>

#include "xai/core/option_table.hpp"

namespace xai::tools {

/// Sets the options that a TOML file names and that are not given() yet. Throws UsageError naming file, line
/// and key for what is no option, or no value for it.
void read_config(const std::string& file, const std::vector<OptionTable*>& tables);

/// The options as a TOML file that read_config() reads back, each under its help.
std::string config_text(const std::vector<OptionTable*>& tables);

/// The options as a table in Markdown, for the documentation.
std::string markdown_text(const OptionTable& table);

/// "beam_width" -> "beam-width", as files and flags spell it.
std::string dashed(std::string key);

}  // namespace xai::tools
