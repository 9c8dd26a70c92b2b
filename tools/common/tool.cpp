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

/// The last lines of --help.
std::string exit_codes() {
  std::string text = "\nExit codes:";
  for (const auto& [code, meaning] : exit_statuses)
    text += cat(code == 0 ? " " : code == 75 ? ";\n" : "; ", code, " ", meaning);
  return text + ".";
}

std::string version_line(const char* name) {
  const std::string commit(git_commit());
  return cat(name, " ", version(), commit.empty() ? "" : " (" + commit + ")");
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

/// How a run ended, and what came out.
Json outcome(const RunResult& result) {
  return {{"complete", result.complete},
          {"errors", result.errors},
          {"folder", result.folder.string()},
          {"summary", result.summary}};
}

}  // namespace

ExitCode Tool::report(const RunResult& result, const Json& more) const {
  if (result.plan) {
    std::cout << (json_ ? to_text(to_json(*result.plan), 2) + "\n" : plan_text(*result.plan));
    return done;
  }
  if (json_) {
    Json document = outcome(result);
    document.update(more);
    std::cout << to_text(document, 2) << "\n";
  }
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

Tool::Tool(const Text& text, OptionTable& options)
    : text_(text), cli_(text.description, text.name), options_(options) {
  log::set_wording([this](const std::string& line) { return with_flags(with_flags(line, options_), own_); });
  cli_.get_formatter()->column_width(34);
  cli_.footer(text.examples + exit_codes());
  for (Option& option : options.options()) add(option);
  describe_own();
  cli_.add_flag("--print-markdown", print_markdown_)->group("");  // for docs/options.md
}

/// The options of every program.
void Tool::describe_own() {
  const auto add_own = [this](const char* key, auto& field, const char* help) -> Option& {
    Option& option = own_.add(key, field, help).not_in_config();
    add(option);
    return option;
  };
  own_.group("Program");
  own_.add("help", help_, "Print this help message and exit").not_in_config();
  own_.add("version", version_, "Print version and git commit, and exit").not_in_config();
  cli_.get_help_ptr()->group("Program");
  cli_.set_version_flag("--version", version_line(text_.name), own_.at("version").help)->group("Program");
  add_own("config", config_, "Read options from a TOML file; flags win over it, unknown keys are errors");
  add_own("print_config", print_config_, "Print the resolved options as TOML, and exit");
  add_own("json", json_,
          "Print as one JSON document what a table, a dry run or a run gives, and nothing else");
  add_own("completion", completion_, "Print a completion script for this shell, and exit");
  add_own("man", man_, "Print the manual page in roff, and exit");
  own_.group("Messages");
  add(own_.add("quiet", quiet_, "No progress; warnings and errors only"));
  add(own_.add("verbose", verbose_, "Say more, e.g. the whole text of a model's error"));
}

void Tool::add(Option& option) {
  const std::string letter = short_flag(option);
  const std::string flag = (letter.empty() ? "" : letter + ",") + flag_of(option.key) +
                           (option.positional ? "," + option.key : "");
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
  made->group(option.group)->type_name(value_name(option));
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
  if (man_ || completion_ != Shell::none) {
    std::cout << (man_ ? man_page(text_, {&options_, &own_})
                       : completion(completion_, text_, {&options_, &own_}));
    return done;
  }
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
  const Option* const dry_run = options_.find("dry_run");
  if (!dry_run || !dry_run->given()) install_interrupt_handlers();  // a dry run has nothing to save
  return body();
}

ExitCode Tool::fail(const std::exception& error, ExitCode code) {
  observer_.end();
  const bool usage = dynamic_cast<const UsageError*>(&error) != nullptr;
  log::error(one_line(error.what()), usage ? cat(" (", cli_.get_name(), " --help lists the options)") : "");
  return code;
}

}  // namespace xai::tools
