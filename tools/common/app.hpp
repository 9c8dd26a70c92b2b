#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace xai::tools {

/// What every executable's exit code means (SPEC 9).
enum ExitCode { done = 0, failed = 1, bad_usage = 2, some_images_failed = 3, gate_failed = 4, stopped = 75 };

/// Verbosity and the options about options that every executable has.
struct AppOptions {
  bool quiet = false;
  int verbose = 0;
};

/// Parses the command line and the --config file into what `app`'s options point to, then runs `body`. Every
/// error becomes one line on stderr and its exit code.
int run_app(CLI::App& app, int argc, char** argv, AppOptions& options, const std::function<ExitCode()>& body);

/// Adds an option that takes one of `values`, spelt as name(value) spells them, and starts at `value`.
template <class Enum>
CLI::Option* add_choice(CLI::App& app, const std::string& flag, Enum& value, const std::vector<Enum>& values,
                        const std::string& help) {
  std::vector<std::string> names;
  for (const Enum v : values) names.emplace_back(name(v));
  return app
      .add_option_function<std::string>(
          flag,
          [&value, values](const std::string& text) {
            for (const Enum v : values)
              if (name(v) == text) value = v;
          },
          help)
      ->check(CLI::IsMember(names))
      ->default_str(std::string(name(value)));
}

}  // namespace xai::tools
