#include "xai/core/names.hpp"

#include <gtest/gtest.h>

namespace xai {

namespace {
enum class Fruit { apple, sour_cherry };
enum class Nameless { one };
}  // namespace

template <>
inline constexpr auto names_of<Fruit> = std::to_array<Named<Fruit>>({{Fruit::sour_cherry, "sour-cherry"},
                                                                     {Fruit::apple, "apple"}});

namespace {

static_assert(NamedEnum<Fruit>);
static_assert(!NamedEnum<Nameless> && !NamedEnum<int>);
static_assert(name(Fruit::sour_cherry) == "sour-cherry" && named<Fruit>("apple") == Fruit::apple);

TEST(Names, GoBothWays) {
  for (const auto& known : names_of<Fruit>) {
    EXPECT_EQ(name(known.value), known.name);
    EXPECT_EQ(named<Fruit>(known.name), known.value);
  }
}

TEST(Names, OfNothingAreNothing) {
  for (const char* text : {"", "Apple", "apple ", "appl", "sour_cherry", "pear"})
    EXPECT_FALSE(named<Fruit>(text).has_value()) << text;
  EXPECT_EQ(name(static_cast<Fruit>(7)), "");
}

TEST(Names, AreListedInTheTablesOrder) {
  EXPECT_EQ(all_names<Fruit>(), "sour-cherry, apple");
}

}  // namespace
}  // namespace xai
