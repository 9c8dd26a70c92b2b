#include "common/app.hpp"

#include <algorithm>
#include <iostream>

#include "xai/core/error.hpp"
#include "xai/core/interrupt.hpp"
#include "xai/core/log.hpp"
#include "xai/core/memory.hpp"
#include "xai/core/version.hpp"

namespace xai::tools {
namespace {

std::string version_line(const CLI::App& app) {
  const std::string commit(git_commit());
  return cat(app.get_name(), " ", version(), commit.empty() ? "" : " (" + commit + ")");
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

constexpr auto exit_codes =
    "\nExit codes: 0 done; 1 failed; 2 bad usage, configuration, data set or model; 3 done, but some images "
    "failed; 4 the regression gate failed;\n"
    "75 stopped by a signal after saving: run again to go on.";

int usage_error(const CLI::App& app, const std::string& message) {
  log::error(one_line(message), " (", app.get_name(), " --help lists the options)");
  return bad_usage;
}

}  // namespace

int run_app(CLI::App& app, int argc, char** argv, AppOptions& options,
            const std::function<ExitCode()>& body) {
  keep_freed_memory();
  bool print_config = false;
  app.get_formatter()->column_width(34);
  app.footer(app.get_footer() + exit_codes);
  app.set_version_flag("--version", version_line(app), "Print version and git commit, and exit");
  app.set_config("--config", "", "Read options from a TOML file; flags win over it, unknown keys are errors")
      ->type_name("FILE");
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.add_flag("--print-config", print_config, "Print the resolved options as TOML, and exit")
      ->configurable(false);
  app.add_flag("-q,--quiet", options.quiet, "No progress; warnings and errors only");
  app.add_flag("-v,--verbose", options.verbose, "Say more, e.g. the whole text of a model's error");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error.what());
  }
  if (print_config) {
    std::cout << app.config_to_str(/*default_also=*/true, /*write_description=*/true);
    return done;
  }
  log::set_level(options.quiet         ? log::Level::warning
                 : options.verbose > 0 ? log::Level::debug
                                       : log::Level::info);
  install_interrupt_handlers();

  try {
    return body();
  } catch (const UsageError& error) {
    return usage_error(app, error.what());
  } catch (const ModelError& error) {
    log::error(one_line(error.what()));
    return bad_usage;
  } catch (const DataError& error) {  // of the data set as a whole: one image's is in its record
    log::error(one_line(error.what()));
    return bad_usage;
  } catch (const std::exception& error) {
    log::error(one_line(error.what()));
    return failed;
  }
}

}  // namespace xai::tools
