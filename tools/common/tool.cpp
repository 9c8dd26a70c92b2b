#include "common/tool.hpp"

#include <algorithm>
#include <iostream>

#include "common/config.hpp"
#include "xai/core/error.hpp"
#include "xai/core/interrupt.hpp"
#include "xai/core/log.hpp"
#include "xai/core/memory.hpp"
#include "xai/core/version.hpp"

namespace xai::tools {
namespace {

constexpr auto exit_codes =
    "\nExit codes: 0 done; 1 failed; 2 bad usage, configuration, data set or model; 3 done, but some images "
    "failed; 4 the regression gate failed;\n"
    "75 stopped by a signal after saving: run again to go on.";

std::string version_line(const char* name) {
  const std::string commit(git_commit());
  return cat(name, " ", version(), commit.empty() ? "" : " (" + commit + ")");
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string type_name(const Option& option) {
  switch (option.kind) {
    case Option::Kind::integer:
      return "N";
    case Option::Kind::number:
      return "X";
    case Option::Kind::path:
      return "PATH";
    case Option::Kind::list:
      return "TEXT ...";
    default:
      return "TEXT";
  }
}

std::string help_of(const Option& option) {
  const std::string range = option.choices.empty() ? option.range_text() : "";
  return range.empty() ? option.help : cat(option.help, " (", range, ")");
}

}  // namespace

ExitCode exit_code(const RunResult& result) {
  return !result.complete ? stopped : result.errors > 0 ? some_images_failed : done;
}

bool ConsoleObserver::progress(const RunProgress& now) {
  const bool all = now.done == now.total;
  if (what_ == now.what && !bar_ && all) return !interrupted();  // said already
  if (!bar_ || what_ != now.what) {
    bar_.reset();
    what_ = now.what;
    bar_.emplace(what_, now.total, !quiet, now.already_done);
  }
  bar_->update(now.done, now.evaluations);
  if (all || interrupted()) bar_.reset();
  return !interrupted();
}

Tool::Tool(const Text& text, OptionTable& options) : cli_(text.description, text.name), options_(options) {
  log::set_wording([&options](const std::string& line) { return with_flags(line, options); });
  cli_.get_formatter()->column_width(34);
  cli_.footer(std::string(text.examples) + exit_codes);
  for (Option& option : options.options()) add(option);
  cli_.set_version_flag("--version", version_line(text.name), "Print version and git commit, and exit");
  cli_.add_option("--config", config_,
                  "Read options from a TOML file; flags win over it, unknown keys are errors")
      ->type_name("FILE");
  cli_.add_flag("--print-config", print_config_, "Print the resolved options as TOML, and exit");
  cli_.add_flag("--print-markdown", print_markdown_)->group("");  // for docs/options.md
  own_.group("Messages");
  add(own_.add("quiet", quiet_, "No progress; warnings and errors only"), "q");
  add(own_.add("verbose", verbose_, "Say more, e.g. the whole text of a model's error"), "v");
}

void Tool::add(Option& option, const std::string& short_name) {
  const std::string flag = (short_name.empty() ? "" : "-" + short_name + ",") + flag_of(option.key);
  if (option.kind == Option::Kind::flag) {
    cli_.add_flag_function(
            flag, [&option](std::int64_t count) { option.set(count > 0); }, help_of(option))
        ->group(option.group);
    return;
  }
  const auto take = [&option](const std::string& text) { option.set_text(text); };
  const auto take_all = [&option](const std::vector<std::string>& texts) {
    option.set(Json::array());
    for (const std::string& text : texts)
      if (!text.empty()) option.set_text(text);  // empty: none
  };
  const bool list = option.kind == Option::Kind::list;
  CLI::Option* const made =
      list ? cli_.add_option_function<std::vector<std::string>>(flag, take_all, help_of(option))
           : cli_.add_option_function<std::string>(flag, take, help_of(option));
  const Json& value = option.default_value();
  made->group(option.group)->type_name(type_name(option));
  if (!option.choices.empty()) made->type_name("{" + CLI::detail::join(option.choices, ",") + "}");
  if (!value.empty() && value != "")
    made->default_str(value.is_string() ? value.get<std::string>() : to_text(value));
}

int Tool::main(int argc, char** argv, const std::function<ExitCode()>& body,
               const std::function<void()>& resolve) {
  keep_freed_memory();
  try {
    cli_.parse(argc, argv);
    return work(body, resolve);
  } catch (const CLI::Success& help_or_version) {
    return cli_.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    return fail(UsageError(error.what()), bad_usage);
  } catch (const UsageError& error) {
    return fail(error, bad_usage);
  } catch (const ModelError& error) {
    return fail(error, bad_usage);
  } catch (const DataError& error) {  // of the data set as a whole: one image's is in its record
    return fail(error, bad_usage);
  } catch (const std::exception& error) {
    return fail(error, failed);
  }
}

ExitCode Tool::work(const std::function<ExitCode()>& body, const std::function<void()>& resolve) {
  if (!config_.empty()) read_config(config_, {&options_, &own_});
  resolve();
  if (print_config_) {
    std::cout << config_text({&options_, &own_});
    return done;
  }
  if (print_markdown_) {
    std::cout << markdown_text(options_);
    return done;
  }
  log::set_level(quiet_ ? log::Level::warning : verbose_ ? log::Level::debug : log::Level::info);
  observer_.quiet = quiet_;
  install_interrupt_handlers();
  return body();
}

ExitCode Tool::fail(const std::exception& error, ExitCode code) {
  observer_.end();
  const bool usage = dynamic_cast<const UsageError*>(&error) != nullptr;
  log::error(one_line(error.what()), usage ? cat(" (", cli_.get_name(), " --help lists the options)") : "");
  return code;
}

}  // namespace xai::tools
