#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>

#include "common/manual.hpp"
#include "xai/core/option_table.hpp"
#include "xai/core/progress.hpp"
#include "xai/run/observer.hpp"
#include "xai/run/result.hpp"

namespace xai::tools {

/// What every program's exit code means (SPEC 9).
enum ExitCode { done = 0, failed = 1, bad_usage = 2, some_images_failed = 3, gate_failed = 4, stopped = 75 };

/// Shows a run's progress on stderr, and stops it when a signal has come.
class ConsoleObserver : public RunObserver {
 public:
  bool progress(const RunProgress& now) override;
  /// Takes the bar away: what is said next is the last word.
  void end() { bar_.reset(); }

  bool quiet = false;

 private:
  std::string what_;
  std::optional<Progress> bar_;
};

/// A program over a table of options: its command line, its configuration file, its help, its errors.
class Tool {
 public:
  using Text = ProgramText;

  /// `options` outlives the tool.
  Tool(const Text& text, OptionTable& options);

  ConsoleObserver& observer() { return observer_; }
  bool quiet() const { return quiet_; }
  /// Stdout is to have one JSON object, or array, and nothing else.
  bool json() const { return json_; }

  /// How a run ended: its exit code, and on stdout the plan of a dry run. As JSON also what came of any other
  /// run, with the fields of `more`.
  ExitCode report(const RunResult& result, const Json& more = Json::object()) const;

  /// Sets the options from the command line and the file that it names; then `resolve` settles those that
  /// depend on others, and `body` does the work. Every error becomes one line on stderr and its exit code.
  int main(
      int argc, char** argv, const std::function<ExitCode()>& body,
      const std::function<void()>& resolve = [] {});

 private:
  /// The flag of an option.
  void add(Option& option);
  void describe_own();
  ExitCode work(const std::function<ExitCode()>& body, const std::function<void()>& resolve);
  ExitCode fail(const std::exception& error, ExitCode code);

  Text text_;
  CLI::App cli_;
  OptionTable& options_;
  OptionTable own_;  ///< of the program itself
  ConsoleObserver observer_;
  bool quiet_ = false;
  bool verbose_ = false;
  bool print_config_ = false;
  bool print_markdown_ = false;
  bool json_ = false;
  bool man_ = false;
  bool help_ = false, version_ = false;  ///< CLI11's; here for the manual
  Shell completion_ = Shell::none;
  std::filesystem::path config_;
};

}  // namespace xai::tools
