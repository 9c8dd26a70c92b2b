#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "xai/core/error.hpp"
#include "xai/core/json.hpp"
#include "xai/core/names.hpp"

namespace xai {

/// What another value of an option changes. A run goes on only with equal values of all that change its
/// records.
enum class Effect {
  none,     ///< how fast, how loud, where to: the same records
  records,  ///< the records, but not what their numbers mean: a seed, the precision
  meaning,  ///< what the numbers mean: only runs with equal values may be compared
};

/// One option as data: its key, where its value lives, what it means, what it may be. Messages speak of
/// options by quoted key ('beam_width'); a command line shows them as flags (--beam-width).
class Option {
 public:
  enum class Kind { flag, integer, number, text, path, choice, list };

  std::string key;    ///< "beam_width"
  std::string group;  ///< title of the group it belongs to
  std::string help;   ///< one sentence or less
  Kind kind = Kind::text;
  std::vector<std::string> choices = {};  ///< of Kind::choice
  Effect effect = Effect::meaning;
  bool in_config = true;    ///< may stand in a configuration file
  bool positional = false;  ///< may be given without its flag, in the order of such options

  // Set where the option is described:
  Option& at_least(double low) { return bounds(Bound{low, false}, {}); }
  Option& above(double low) { return bounds(Bound{low, true}, {}); }
  Option& from_to(double low, double high) { return bounds(Bound{low, false}, Bound{high, false}); }
  Option& above_up_to(double low, double high) { return bounds(Bound{low, true}, Bound{high, false}); }
  Option& from_below(double low, double high) { return bounds(Bound{low, false}, Bound{high, true}); }
  Option& between(double low, double high) { return bounds(Bound{low, true}, Bound{high, true}); }
  Option& with_effect(Effect of_change) { return effect = of_change, *this; }
  Option& not_in_config() { return in_config = false, *this; }
  Option& without_flag() { return positional = true, *this; }
  /// `word` spells `value`, too: "all" for -1.
  Option& with_word(std::string word, Json value) {
    return word_ = std::move(word), of_word_ = std::move(value), *this;
  }

  /// The value now: a number, a string (choices and paths too), a boolean, or an array of strings.
  Json value() const { return get_(); }
  /// The value when the option was described.
  const Json& default_value() const { return default_; }
  /// set() was called.
  bool given() const { return given_; }
  /// The option says something in this run: its group's condition holds.
  bool applies() const { return !applies_ || applies_(); }
  /// Where it may lie: "from 2 to 16", "at least 0", "one of beam, exhaustive", "at least -1, or all"; empty
  /// where anything goes.
  std::string range_text() const;

  /// Takes a value of the right type; NaN and infinity are no numbers. Throws UsageError naming key, value
  /// and what would do; the value stays.
  void set(const Json& value);
  /// Takes it as a command line spells it; of a list, one entry more.
  void set_text(const std::string& text);
  /// Throws UsageError naming key, value and bound.
  void validate() const;

 private:
  friend class OptionTable;
  struct Bound {
    double at;
    bool open;  ///< the bound itself is out
  };

  Option& bounds(std::optional<Bound> low, std::optional<Bound> high) {
    return low_ = low, high_ = high, *this;
  }
  [[noreturn]] void refuse(const Json& value) const;

  std::optional<Bound> low_, high_;
  std::string word_;
  Json of_word_;
  std::string lowest_, highest_;  // of Kind::integer: what the field can hold
  std::function<Json()> get_;
  std::function<bool(const Json&)> put_;  // tells whether the value is of the type
  std::function<bool()> applies_;
  Json default_;
  bool given_ = false;
};

/// The options of a run, or of a part of it, as data: from it come the command line, the configuration file,
/// the values that a resumed run must have again, run.json and the documentation. A table refers to the
/// fields it describes, which outlive it. Options structs are described beside their definition:
///   void describe(OptionTable& table, MseOptions& options);
class OptionTable {
 public:
  OptionTable() = default;
  OptionTable(const OptionTable&) = delete;  // options are referred to
  OptionTable& operator=(const OptionTable&) = delete;

  /// The options that follow stand under this title. They count only while `applies` says so.
  void group(std::string title, std::function<bool()> applies = {});
  /// The groups that follow count only while `applies` says so, too; {} ends that.
  void when(std::function<bool()> applies) { when_ = std::move(applies); }

  /// Describes an option whose value lives in `field`: bool, an integer, double, string, path, an enum with
  /// names, or a vector of strings or paths.
  template <class T>
  Option& add(std::string key, T& field, std::string help);

  std::deque<Option>& options() { return options_; }
  const std::deque<Option>& options() const { return options_; }
  /// Null where there is none. Dashes count as underscores.
  Option* find(std::string_view key);
  Option& at(std::string_view key);

  /// Throws UsageError for the first option that applies and is out of its range.
  void validate() const;
  /// The values of the options that apply and have at least this effect, by key.
  Json values(Effect at_least = Effect::none) const;
  /// Gives the options that were not set() the values that `values` has for them; they are still not given.
  void fill(const Json& values);

 private:
  std::deque<Option> options_;  // addresses stay
  std::string group_;
  std::function<bool()> applies_, when_;
};

/// `message` with every quoted key of an option of `table` written as a flag: 'beam_width' -> --beam-width.
std::string with_flags(const std::string& message, const OptionTable& table);

/// "beam_width" -> "--beam-width".
std::string flag_of(std::string_view key);

/// Throws UsageError where an options struct with a describe() of its own is out of its ranges.
template <class Options>
void validate_described(const Options& options) {
  Options copy = options;
  OptionTable table;
  describe(table, copy);
  table.validate();
}

// Implementation of add() for the types that it takes.
namespace internal {

template <class T>
struct OptionType;

template <>
struct OptionType<bool> {
  static constexpr auto kind = Option::Kind::flag;
  static Json get(bool value) { return value; }
  static bool put(bool& field, const Json& value) {
    if (value.is_boolean()) field = value;
    return value.is_boolean();
  }
};

template <std::integral T>
struct OptionType<T> {
  static constexpr auto kind = Option::Kind::integer;
  static Json get(T value) { return value; }
  static bool put(T& field, const Json& value) {
    const bool fits = value.is_number_unsigned()  ? std::in_range<T>(value.get<std::uint64_t>())
                      : value.is_number_integer() ? std::in_range<T>(value.get<std::int64_t>())
                                                  : false;
    if (fits) field = value.get<T>();
    return fits;
  }
};

template <>
struct OptionType<double> {
  static constexpr auto kind = Option::Kind::number;
  static Json get(double value) { return value; }
  static bool put(double& field, const Json& value) {
    const bool finite = value.is_number() && std::isfinite(value.get<double>());
    if (finite) field = value;
    return finite;
  }
};

template <>
struct OptionType<std::string> {
  static constexpr auto kind = Option::Kind::text;
  static Json get(const std::string& value) { return value; }
  static bool put(std::string& field, const Json& value) {
    if (value.is_string()) field = value.get<std::string>();
    return value.is_string();
  }
};

template <>
struct OptionType<std::filesystem::path> {
  static constexpr auto kind = Option::Kind::path;
  static Json get(const std::filesystem::path& value) { return value.string(); }
  static bool put(std::filesystem::path& field, const Json& value) {
    if (value.is_string()) field = value.get<std::string>();
    return value.is_string();
  }
};

template <NamedEnum Enum>
struct OptionType<Enum> {
  static constexpr auto kind = Option::Kind::choice;
  static Json get(Enum value) { return name(value); }
  static bool put(Enum& field, const Json& value) {
    const auto chosen = value.is_string() ? named<Enum>(value.get<std::string>()) : std::nullopt;
    if (chosen) field = *chosen;
    return chosen.has_value();
  }
};

template <class T>
struct OptionType<std::vector<T>> {
  static constexpr auto kind = Option::Kind::list;
  static Json get(const std::vector<T>& values) {
    Json result = Json::array();
    for (const T& value : values) result.push_back(OptionType<T>::get(value));
    return result;
  }
  static bool put(std::vector<T>& field, const Json& value) {
    std::vector<T> values;
    for (const Json& one : value)
      if (!OptionType<T>::put(values.emplace_back(), one)) return false;
    if (value.is_array()) field = std::move(values);
    return value.is_array();
  }
};

}  // namespace internal

template <class T>
Option& OptionTable::add(std::string key, T& field, std::string help) {
  using Type = internal::OptionType<T>;
  Option& option = options_.emplace_back();
  option.key = std::move(key);
  option.group = group_;
  option.help = std::move(help);
  option.kind = Type::kind;
  option.applies_ = applies_;
  option.get_ = [&field] { return Type::get(field); };
  option.put_ = [&field](const Json& value) { return Type::put(field, value); };
  option.default_ = option.get_();
  if constexpr (Type::kind == Option::Kind::integer) {
    option.lowest_ = std::to_string(std::numeric_limits<T>::min());
    option.highest_ = std::to_string(std::numeric_limits<T>::max());
  }
  if constexpr (NamedEnum<T>)
    for (const auto& known : names_of<T>) option.choices.emplace_back(known.name);
  return option;
}

}  // namespace xai
