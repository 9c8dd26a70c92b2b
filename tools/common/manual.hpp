#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "xai/core/option_table.hpp"

namespace xai::tools {

/// What a program says of itself beside its options.
struct ProgramText {
  const char* name;
  const char* description;
  const char* examples;
};

inline constexpr std::array exit_statuses = {
    std::pair{0, "done"},
    std::pair{1, "failed"},
    std::pair{2, "bad usage, configuration, data set or model"},
    std::pair{3, "done, but some images failed"},
    std::pair{4, "the regression gate failed"},
    std::pair{75, "stopped by a signal after saving: run again to go on"}};

/// Shells whose completion can be printed.
enum class Shell { none, bash, zsh };

}  // namespace xai::tools

namespace xai {
template <>
inline constexpr auto names_of<tools::Shell> =
    std::to_array<Named<tools::Shell>>({{tools::Shell::bash, "bash"}, {tools::Shell::zsh, "zsh"}});
}  // namespace xai

namespace xai::tools {

/// What an option's value is called in help: "N", "X", "PATH", "TEXT ...", "{beam,exhaustive}"; empty for a
/// flag.
std::string value_name(const Option& option);
/// Help and range.
std::string help_of(const Option& option);
/// "-q" for --quiet; empty for most.
std::string short_flag(const Option& option);

/// A completion script for a program with these options. Words are completed by what the table knows: flags,
/// choices, files.
std::string completion(Shell shell, const ProgramText& text, const std::vector<const OptionTable*>& tables);

/// A page for man(1), in roff.
std::string man_page(const ProgramText& text, const std::vector<const OptionTable*>& tables);

}  // namespace xai::tools
