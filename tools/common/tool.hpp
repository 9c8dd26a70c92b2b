#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>

#include "xai/core/option_table.hpp"
#include "xai/core/progress.hpp"
#include "xai/run/observer.hpp"
#include "xai/run/result.hpp"

namespace xai::tools {

/// What every program's exit code means (SPEC 9).
enum ExitCode { done = 0, failed = 1, bad_usage = 2, some_images_failed = 3, gate_failed = 4, stopped = 75 };

/// Of a run without a gate.
ExitCode exit_code(const RunResult& result);

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
  struct Text {
    const char* name;
    const char* description;
    const char* examples;
  };

  /// `options` outlives the tool.
  Tool(const Text& text, OptionTable& options);

  ConsoleObserver& observer() { return observer_; }
  bool quiet() const { return quiet_; }

  /// Sets the options from the command line and the file that it names; then `resolve` settles those that
  /// depend on others, and `body` does the work. Every error becomes one line on stderr and its exit code.
  int main(
      int argc, char** argv, const std::function<ExitCode()>& body,
      const std::function<void()>& resolve = [] {});

 private:
  /// The flag of an option; `short_name`: "q" for -q, too.
  void add(Option& option, const std::string& short_name = "");
  ExitCode work(const std::function<ExitCode()>& body, const std::function<void()>& resolve);
  ExitCode fail(const std::exception& error, ExitCode code);

  CLI::App cli_;
  OptionTable& options_;
  OptionTable own_;  ///< of the program itself
  ConsoleObserver observer_;
  bool quiet_ = false;
  bool verbose_ = false;
  bool print_config_ = false;
  bool print_markdown_ = false;
  std::string config_;
};

}  // namespace xai::tools
