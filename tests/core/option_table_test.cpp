#include "xai/core/option_table.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace xai {

namespace {
enum class Fruit { apple, pear };
}

template <>
inline constexpr auto names_of<Fruit> = std::to_array<Named<Fruit>>({{Fruit::apple, "apple"},
                                                                     {Fruit::pear, "pear"}});

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

/// A field of every kind, described.
struct Fields {
  bool flag = false;
  int integer = 7;
  std::uint64_t seed = 0;
  double number = 0.5;
  std::string text = "none";
  std::filesystem::path path = "here";
  Fruit choice = Fruit::apple;
  std::vector<std::string> list = {"a"};
  std::vector<std::filesystem::path> paths = {};
  OptionTable table;

  Fields() {
    table.group("All");
    table.add("flag", flag, "A flag");
    table.add("integer", integer, "An integer").from_to(2, 16);
    table.add("seed", seed, "A seed").with_effect(Effect::records);
    table.add("number", number, "A number").above_up_to(0, 1);
    table.add("text", text, "A text").with_effect(Effect::none).not_in_config();
    table.add("path", path, "A path").with_effect(Effect::none);
    table.add("choice", choice, "A choice");
    table.add("list", list, "A list");
    table.add("a_list_of_paths", paths, "A list of paths").with_effect(Effect::none);
  }
};

/// The message of the UsageError that `action` throws.
template <class Action>
std::string refusal(const Action& action) {
  try {
    action();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(OptionTable, DescribesFieldsOfEveryKind) {
  Fields f;
  using Kind = Option::Kind;
  const std::vector<std::pair<std::string, Kind>> kinds = {
      {"flag", Kind::flag},     {"integer", Kind::integer}, {"seed", Kind::integer},
      {"number", Kind::number}, {"text", Kind::text},       {"path", Kind::path},
      {"choice", Kind::choice}, {"list", Kind::list},       {"a_list_of_paths", Kind::list}};
  ASSERT_EQ(f.table.options().size(), kinds.size());
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const Option& option = f.table.options()[i];
    EXPECT_EQ(option.key, kinds[i].first);
    EXPECT_EQ(option.kind, kinds[i].second) << option.key;
    EXPECT_EQ(option.group, "All");
    EXPECT_EQ(option.default_value(), option.value());
    EXPECT_FALSE(option.given());
    EXPECT_TRUE(option.applies());
  }
  EXPECT_EQ(f.table.values(),
            Json::parse(R"({"flag": false, "integer": 7, "seed": 0, "number": 0.5, "text": "none",
            "path": "here", "choice": "apple", "list": ["a"], "a_list_of_paths": []})"));
  EXPECT_EQ(f.table.at("choice").choices, (std::vector<std::string>{"apple", "pear"}));
  EXPECT_TRUE(f.table.at("list").choices.empty());
  EXPECT_EQ(f.table.at("number").help, "A number");
  EXPECT_TRUE(f.table.at("number").in_config);
  EXPECT_FALSE(f.table.at("text").in_config);
}

TEST(OptionTable, FindsOptionsWithDashesToo) {
  Fields f;
  EXPECT_EQ(f.table.find("a-list-of-paths"), &f.table.at("a_list_of_paths"));
  EXPECT_EQ(f.table.find("a_list_of_path"), nullptr);
  EXPECT_THROW(f.table.at("none"), Error);
  EXPECT_EQ(flag_of("a_list_of_paths"), "--a-list-of-paths");
}

TEST(OptionTable, SetsValuesOfTheRightType) {
  Fields f;
  f.table.at("flag").set(true);
  f.table.at("integer").set(16);
  f.table.at("seed").set(largest);
  f.table.at("number").set(1);  // a whole number is one, too
  f.table.at("text").set("");
  f.table.at("path").set("there");
  f.table.at("choice").set("pear");
  f.table.at("list").set(Json::array({"b", "c"}));
  f.table.at("a_list_of_paths").set(Json::array({"d/e"}));
  EXPECT_TRUE(f.flag);
  EXPECT_EQ(f.integer, 16);
  EXPECT_EQ(f.seed, largest);
  EXPECT_EQ(f.number, 1);
  EXPECT_EQ(f.text, "");
  EXPECT_EQ(f.path, "there");
  EXPECT_EQ(f.choice, Fruit::pear);
  EXPECT_EQ(f.list, (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(f.paths, std::vector<std::filesystem::path>{"d/e"});
  for (const Option& option : f.table.options()) EXPECT_TRUE(option.given()) << option.key;
  EXPECT_EQ(f.table.at("integer").default_value(), 7);
  f.table.at("list").set(Json::array());
  EXPECT_TRUE(f.list.empty());
}

TEST(OptionTable, RefusesOtherTypesAndKeepsTheValue) {
  const auto set = [](const char* key, const Json& value) {
    Fields f;
    const Json before = f.table.values();
    const std::string message = refusal([&] { f.table.at(key).set(value); });
    EXPECT_EQ(f.table.values(), before) << key << to_text(value);
    EXPECT_FALSE(f.table.at(key).given()) << key << to_text(value);
    return message;
  };
  EXPECT_EQ(set("flag", 1), "'flag' must be true or false, not 1");
  EXPECT_EQ(set("flag", "true"), "'flag' must be true or false, not true");
  EXPECT_EQ(set("integer", 1.5), "'integer' must be a whole number from 2 to 16, not 1.5");
  EXPECT_EQ(set("integer", "7"), "'integer' must be a whole number from 2 to 16, not 7");
  EXPECT_EQ(set("integer", true), "'integer' must be a whole number from 2 to 16, not true");
  EXPECT_EQ(set("number", "much"), "'number' must be a number above 0 and at most 1, not much");
  EXPECT_EQ(set("number", nullptr), "'number' must be a number above 0 and at most 1, not null");
  EXPECT_EQ(set("text", 3), "'text' must be a text, not 3");
  EXPECT_EQ(set("path", Json::array()), "'path' must be a text, not []");
  EXPECT_EQ(set("choice", "plum"), "'choice' must be one of apple, pear, not plum");
  EXPECT_EQ(set("choice", 0), "'choice' must be one of apple, pear, not 0");
  EXPECT_EQ(set("list", "b"), "'list' must be a list of texts, not b");
  EXPECT_EQ(set("list", {{"b", "c"}}), "'list' must be a list of texts, not {\"b\":\"c\"}");
  EXPECT_EQ(set("list", {"b", 1}), "'list' must be a list of texts, not [\"b\",1]");
}

TEST(OptionTable, RefusesIntegersBeyondTheirType) {
  Fields f;
  for (const Json& value : {Json(std::int64_t{1} << 31), Json(-(std::int64_t{1} << 31) - 1), Json(largest)})
    EXPECT_NE(refusal([&] { f.table.at("integer").set(value); }), "accepted") << value;
  f.table.at("integer").set(std::numeric_limits<int>::max());
  f.table.at("integer").set(std::numeric_limits<int>::min());
  EXPECT_EQ(f.integer, std::numeric_limits<int>::min());
  EXPECT_EQ(refusal([&] { f.table.at("seed").set(-1); }),
            "'seed' must be a whole number from 0 to 18446744073709551615, not -1");
  f.table.at("seed").set_text("18446744073709551615");
  EXPECT_EQ(f.seed, largest);
  EXPECT_EQ(refusal([&] { f.table.at("seed").set_text("18446744073709551616"); }),
            "'seed' must be a whole number from 0 to 18446744073709551615, not 18446744073709551616");
}

TEST(OptionTable, AWordMaySpellANumber) {
  long most = 20;
  OptionTable table;
  Option& option = table.add("pictures", most, "Draw so many").at_least(-1).with_word("all", -1);
  option.set_text("all");
  EXPECT_EQ(most, -1);
  EXPECT_EQ(option.value(), -1);
  option.set_text("0");
  EXPECT_EQ(most, 0);
  EXPECT_EQ(option.range_text(), "at least -1, or all");
  EXPECT_EQ(refusal([&] { option.set_text("most"); }),
            "'pictures' must be a whole number at least -1, or all, not most");
  EXPECT_EQ(most, 0);
}

TEST(OptionTable, NamesTheBoundsOfItsTypeWhereNoneAreGiven) {
  int threads = 0;
  OptionTable table;
  Option& option = table.add("threads", threads, "Cores").at_least(0);
  EXPECT_EQ(refusal([&] { option.set_text("3000000000"); }),
            "'threads' must be a whole number from 0 to 2147483647, not 3000000000");
}

TEST(OptionTable, TakesWhatACommandLineSpells) {
  Fields f;
  const auto take = [&](const char* key, const std::string& text) { f.table.at(key).set_text(text); };
  take("flag", "true");
  take("integer", "12");
  take("number", "2.5e-1");
  take("text", "12");
  take("path", "a b");
  take("choice", "pear");
  take("list", "b");  // instead of the default
  take("list", "c");  // beside what was given
  EXPECT_EQ(f.table.values(),
            Json::parse(R"({"flag": true, "integer": 12, "seed": 0, "number": 0.25, "text": "12",
            "path": "a b", "choice": "pear", "list": ["b", "c"], "a_list_of_paths": []})"));
  take("flag", "false");
  EXPECT_FALSE(f.flag);
  take("number", "1");
  EXPECT_EQ(f.number, 1);
  take("integer", "-3");  // validate() knows the range
  EXPECT_EQ(f.integer, -3);
}

TEST(OptionTable, RefusesGarbage) {
  Fields f;
  for (const char* text :
       {"", " 7", "7 ", "7x", "x", "0x7", "7.0", "1e1", "--7", "+7", "99999999999999999999"})
    EXPECT_EQ(refusal([&] { f.table.at("integer").set_text(text); }),
              cat("'integer' must be a whole number from 2 to 16, not ", text));
  for (const char* text :
       {"", " 1", "1 ", "1x", "x", "1e", "1,5", "1e999", "nan", "inf", "-inf", "NaN", "infinity"})
    EXPECT_EQ(refusal([&] { f.table.at("number").set_text(text); }),
              cat("'number' must be a number above 0 and at most 1, not ", text));
  for (const char* text : {"", "yes", "True", "1"})
    EXPECT_EQ(refusal([&] { f.table.at("flag").set_text(text); }),
              cat("'flag' must be true or false, not ", text));
  EXPECT_EQ(f.table.values(), Fields().table.values());
}

TEST(OptionTable, NanAndInfinityAreNoNumbers) {
  for (const double value : {std::nan(""), infinity, -infinity}) {
    Fields f;
    f.number = value;
    EXPECT_NE(refusal([&] { f.table.validate(); }), "accepted") << value;
    f.number = 0.5;
    EXPECT_EQ(refusal([&] { f.table.at("number").set(value); }),
              cat("'number' must be a number above 0 and at most 1, not ", value));
    EXPECT_EQ(f.number, 0.5);
  }
  double anything = std::nan("");
  OptionTable table;
  table.add("anything", anything, "A number without bounds");
  EXPECT_EQ(refusal([&] { table.validate(); }), "'anything' must be a number, not nan");
}

TEST(OptionTable, KnowsRanges) {
  struct Case {
    std::function<Option&(Option&)> bound;
    std::string range;
    std::vector<double> good, bad;
  };
  const std::vector<Case> cases = {
      {[](Option& o) -> Option& { return o.at_least(0); }, "at least 0", {0, 1e300}, {-1e-300}},
      {[](Option& o) -> Option& { return o.above(0); }, "above 0", {1e-300}, {0, -1}},
      {[](Option& o) -> Option& { return o.from_to(0.25, 1); },
       "from 0.25 to 1",
       {0.25, 1},
       {0.2499, 1.0001}},
      {[](Option& o) -> Option& { return o.above_up_to(0, 1); },
       "above 0 and at most 1",
       {1e-9, 1},
       {0, 1.1}},
      {[](Option& o) -> Option& { return o.from_below(0, 1); },
       "at least 0 and below 1",
       {0, 0.999},
       {-0.1, 1}},
      {[](Option& o) -> Option& { return o.between(0, 1); }, "above 0 and below 1", {0.5}, {0, 1}},
      {[](Option& o) -> Option& { return o; }, "", {-1e300, 0, 1e300}, {}}};
  for (const Case& c : cases) {
    double value = 0;
    OptionTable table;
    EXPECT_EQ(c.bound(table.add("value", value, "A number")).range_text(), c.range);
    for (const double good : c.good) {
      value = good;
      EXPECT_EQ(refusal([&] { table.validate(); }), "accepted") << c.range << " " << good;
    }
    for (const double bad : c.bad) {
      value = bad;
      EXPECT_EQ(refusal([&] { table.validate(); }), cat("'value' must be ", c.range, ", not ", bad));
    }
  }
  long evaluations = 1'500'000;
  OptionTable table;
  table.add("evaluations", evaluations, "Many").from_to(3, 1'000'000);
  EXPECT_EQ(refusal([&] { table.validate(); }), "'evaluations' must be from 3 to 1000000, not 1500000");
}

TEST(OptionTable, ValuesAreThoseOfAnEffect) {
  Fields f;
  const auto keys = [&](Effect effect) {
    std::string text;
    const Json values = f.table.values(effect);
    for (const auto& [key, value] : values.items()) text += key + " ";
    return text;
  };
  EXPECT_EQ(keys(Effect::meaning), "flag integer number choice list ");
  EXPECT_EQ(keys(Effect::records), "flag integer seed number choice list ");
  EXPECT_EQ(keys(Effect::none), "flag integer seed number text path choice list a_list_of_paths ");
}

TEST(OptionTable, GroupsCountWhileTheirConditionHolds) {
  Fruit fruit = Fruit::apple;
  int seeds = 5, stones = -1, weight = 1;
  OptionTable table;
  table.add("fruit", fruit, "Which");
  table.group("Apples", [&] { return fruit == Fruit::apple; });
  table.add("seeds", seeds, "How many");
  table.group("Pears", [&] { return fruit == Fruit::pear; });
  table.add("stones", stones, "How many").at_least(0);
  table.group("All");
  table.add("weight", weight, "In grammes");
  EXPECT_EQ(table.values(), (Json{{"fruit", "apple"}, {"seeds", 5}, {"weight", 1}}));
  EXPECT_EQ(refusal([&] { table.validate(); }), "accepted");  // a pear's stones say nothing
  fruit = Fruit::pear;
  EXPECT_EQ(table.values(), (Json{{"fruit", "pear"}, {"stones", -1}, {"weight", 1}}));
  EXPECT_EQ(refusal([&] { table.validate(); }), "'stones' must be at least 0, not -1");
  EXPECT_EQ(table.at("stones").group, "Pears");
  EXPECT_FALSE(table.at("seeds").applies());
}

TEST(OptionTable, ConditionsOfGroupsCanBeNested) {
  bool outer = false, inner = false;
  int always = 0, both = 0, one = 0;
  OptionTable table;
  table.when([&] { return outer; });
  table.group("Both", [&] { return inner; });
  table.add("both", both, "A number");
  table.group("Outer");
  table.add("one", one, "A number");
  table.when({});
  table.group("Always");
  table.add("always", always, "A number");
  const auto count = [&] { return table.values().size(); };
  EXPECT_EQ(count(), 1U);
  inner = true;
  EXPECT_EQ(count(), 1U);
  outer = true;
  EXPECT_EQ(count(), 3U);
  inner = false;
  EXPECT_EQ(table.values(), (Json{{"one", 0}, {"always", 0}}));
}

TEST(OptionTable, FillsWhatWasNotGiven) {
  Fields f;
  f.table.at("integer").set(3);
  f.table.fill({{"integer", 9}, {"number", 0.25}, {"list", {"x", "y"}}, {"unknown", 1}});
  EXPECT_EQ(f.integer, 3);
  EXPECT_EQ(f.number, 0.25);
  EXPECT_EQ(f.list, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(f.text, "none");
  EXPECT_FALSE(f.table.at("number").given());
  EXPECT_EQ(refusal([&] { f.table.fill({{"flag", 3}}); }), "'flag' must be true or false, not 3");
  f.table.at("list").set_text("z");  // the command line stands instead of the file
  EXPECT_EQ(f.list, std::vector<std::string>{"z"});
}

TEST(OptionTable, MessagesForACommandLineNameFlags) {
  Fields f;
  EXPECT_EQ(with_flags("'integer' and 'a_list_of_paths', not 'unknown' or integer, 'integer'", f.table),
            "--integer and --a-list-of-paths, not 'unknown' or integer, --integer");
}

struct Described {
  int size = 3;
};

void describe(OptionTable& table, Described& options) {
  table.add("size", options.size, "A size").at_least(2);
}

TEST(OptionTable, ValidatesOptionsThatDescribeThemselves) {
  validate_described(Described{});
  EXPECT_EQ(refusal([] { validate_described(Described{.size = 1}); }), "'size' must be at least 2, not 1");
}

}  // namespace
}  // namespace xai
