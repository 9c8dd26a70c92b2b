#include "common/manual.hpp"

#include <algorithm>
#include <sstream>

#include "xai/core/version.hpp"

namespace xai::tools {
namespace {

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

std::string with(std::string text, std::string_view what, std::string_view instead) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + instead.size()))
    text.replace(at, what.size(), instead);
  return text;
}

std::vector<const Option*> options_of(const std::vector<const OptionTable*>& tables) {
  std::vector<const Option*> options;
  for (const OptionTable* table : tables)
    for (const Option& option : table->options()) options.push_back(&option);
  return options;
}

bool is_list(const Option& option) {
  return option.kind == Option::Kind::list;
}

bool takes_files(const Option& option) {
  return option.kind == Option::Kind::path || is_list(option);
}

/// The flags of the options that fulfil a condition, as a pattern of `case`; "--" matches nothing that is an
/// option.
template <class Condition>
std::string pattern(const std::vector<const Option*>& options, Condition condition) {
  std::vector<std::string> flags;
  for (const Option* option : options)
    if (condition(*option)) flags.push_back(flag_of(option->key));
  return flags.empty() ? "--" : joined(flags, "|");
}

constexpr auto bash_script = R"(# bash completion of @NAME@, made by: @NAME@ --completion bash
@FUNCTION@() {
  local current="${COMP_WORDS[COMP_CWORD]}" option="" words="" taken=0 i
  COMPREPLY=()
  [[ $current == = ]] && current=""
  for ((i = COMP_CWORD - 1; i > 0; --i)); do # the option that the word belongs to; --option=value is three words
    case "${COMP_WORDS[i]}" in
      -*) option="${COMP_WORDS[i]}"; break ;;
      =) ;;
      *) taken=$((taken + 1)) ;;
    esac
  done
  case "$option" in
    @LISTS@) ;;
    *) ((taken > 0)) && option="" ;;
  esac
  [[ $current == -* ]] && option=""
  case "$option" in
    --config)
      mapfile -t COMPREPLY < <(compgen -f -X '!*.toml' -- "$current"; compgen -d -- "$current")
      compopt -o filenames 2> /dev/null
      return ;;
    @FILES@)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      compopt -o filenames 2> /dev/null
      return ;;
@CHOICES@    @OTHERS@) return ;;
    *) words="@FLAGS@" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F @FUNCTION@ @NAME@
)";

std::string bash_completion(const std::string& name, const std::vector<const Option*>& options) {
  using Kind = Option::Kind;
  std::string choices, flags;
  for (const Option* option : options) {
    flags += (flags.empty() ? "" : " ") + flag_of(option->key);
    if (option->kind == Kind::choice)
      choices += cat("    ", flag_of(option->key), ") words=\"", joined(option->choices, " "), "\" ;;\n");
  }
  std::string script = bash_script;
  script = with(script, "@LISTS@", pattern(options, is_list));
  script = with(script, "@FILES@", pattern(options, takes_files));
  script = with(script, "@CHOICES@", choices);
  script =
      with(script, "@OTHERS@", pattern(options, [](const Option& option) {
             return option.kind == Kind::integer || option.kind == Kind::number || option.kind == Kind::text;
           }));
  script = with(script, "@FLAGS@", flags);
  script = with(script, "@FUNCTION@", "_" + with(name, "-", "_"));
  return with(script, "@NAME@", name);
}

/// Inside a specification of _arguments, in single quotes.
std::string zsh_quoted(const std::string& text) {
  std::string quoted;
  for (const char c : text) {
    if (std::string_view("[]:\\").find(c) != std::string_view::npos) quoted += '\\';
    quoted += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return quoted;
}

std::string zsh_completion(const std::string& name, const std::vector<const Option*>& options) {
  std::string script = cat("#compdef ", name, "\n# zsh completion of ", name, ", made by: ", name,
                           " --completion zsh\n\n_arguments -s -S");
  for (const Option* option : options) {
    const std::string help = "[" + zsh_quoted(option->help) + "]";
    const std::string flag = flag_of(option->key);
    std::string action;
    if (option->key == "config")
      action = "_files -g \"*.toml(-.)\"";
    else if (takes_files(*option))
      action = "_files";
    else if (option->kind == Option::Kind::choice)
      action = "(" + joined(option->choices, " ") + ")";
    else
      action = " ";
    const std::string message = zsh_quoted(value_name(*option));
    script += " \\\n  '";
    if (option->kind == Option::Kind::flag)
      script += flag + help;
    else if (is_list(*option))
      script += "*" + flag + help + ":*-*:" + message + ":" + action;
    else
      script += flag + "=" + help + ":" + message + ":" + action;
    script += "'";
    if (const std::string letter = short_flag(*option); !letter.empty())
      script += " \\\n  '" + letter + help + "'";
  }
  return script + "\n";
}

std::string roff(const std::string& text) {
  std::string page;
  for (const char c : text) {
    const bool line_begins = page.empty() || page.back() == '\n';
    if (line_begins && c == '.') page += "\\&";
    page += c == '\\' ? "\\(rs" : c == '-' ? "\\-" : c == '\'' ? "\\(aq" : std::string(1, c);
  }
  return page;
}

std::string one_line(std::string text) {
  return with(std::move(text), "\n", " ");
}

/// "Example: ..." or "Examples: ...", a command a line.
std::string examples_section(const std::string& examples) {
  std::istringstream lines(examples.substr(examples.find(": ") + 2));
  std::string page;
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find_first_not_of(' ');
    const bool goes_on = first > 10;  // under the words of the command before
    page += (goes_on ? "    " : "") + roff(first == line.npos ? "" : line.substr(first)) + "\n";
  }
  return page;
}

std::string option_entry(const Option& option) {
  const std::string letter = short_flag(option), value = value_name(option);
  std::string entry = ".TP\n";
  if (!letter.empty()) entry += "\\fB" + roff(letter) + "\\fR, ";
  entry += "\\fB" + roff(flag_of(option.key)) + "\\fR";
  if (!value.empty()) entry += " \\fI" + roff(value) + "\\fR";
  const Json& standard = option.default_value();
  const bool none = option.kind == Option::Kind::flag || standard.empty() || standard == "";
  entry += "\n" + roff(help_of(option) + ".");
  if (!none)
    entry +=
        " Default: " + roff(standard.is_string() ? standard.get<std::string>() : to_text(standard)) + ".";
  return entry + "\n";
}

}  // namespace

std::string value_name(const Option& option) {
  switch (option.kind) {
    case Option::Kind::flag:
      return "";
    case Option::Kind::integer:
      return "N";
    case Option::Kind::number:
      return "X";
    case Option::Kind::path:
      return "PATH";
    case Option::Kind::list:
      return "TEXT ...";
    case Option::Kind::choice:
      return "{" + joined(option.choices, ",") + "}";
    default:
      return "TEXT";
  }
}

std::string help_of(const Option& option) {
  const std::string range = option.choices.empty() ? option.range_text() : "";
  return range.empty() ? option.help : cat(option.help, " (", range, ")");
}

std::string short_flag(const Option& option) {
  const bool has = option.key == "quiet" || option.key == "verbose" || option.key == "help";
  return has ? cat('-', option.key.front()) : "";
}

std::string completion(Shell shell, const ProgramText& text, const std::vector<const OptionTable*>& tables) {
  const auto options = options_of(tables);
  return shell == Shell::bash ? bash_completion(text.name, options) : zsh_completion(text.name, options);
}

std::string man_page(const ProgramText& text, const std::vector<const OptionTable*>& tables) {
  const std::string description = one_line(text.description);
  const std::string in_short = description.substr(0, description.find_first_of(".,:"));
  std::string title = text.name;
  std::transform(title.begin(), title.end(), title.begin(),
                 [](char c) { return static_cast<char>(std::toupper(c)); });
  std::string page =
      cat(".TH ", roff(title), " 1 \"\" \"xai ", version(), "\" \"User Commands\"\n.SH NAME\n",
          roff(text.name), " \\- ", roff(in_short), "\n.SH SYNOPSIS\n.B ", roff(text.name),
          "\n[\\fIOPTION\\fR]...\n.SH DESCRIPTION\n", roff(description), "\n.SH OPTIONS\n",
          "A configuration file (\\fB\\-\\-config\\fR) holds them without the dashes in front.\n");
  std::string group;
  for (const Option* option : options_of(tables)) {
    if (option->group != group) page += ".SS " + roff(group = option->group) + "\n";
    page += option_entry(*option);
  }
  page += ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] : exit_statuses) page += cat(".TP\n.B ", code, "\n", roff(meaning), ".\n");
  page += ".SH EXAMPLES\n.nf\n" + examples_section(text.examples) + ".fi\n.SH SEE ALSO\n";
  std::vector<std::string> others;
  for (const char* other : {"xai-mse", "xai-subexp", "xai-saliency", "xai-crosstest", "xai-merge"})
    if (other != std::string_view(text.name)) others.push_back(cat(".BR ", roff(other), " (1)"));
  return page + joined(others, ",\n") + "\n";
}

}  // namespace xai::tools
