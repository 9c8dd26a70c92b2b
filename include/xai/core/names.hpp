#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace xai {

/// One value of an enum and what options and records call it.
template <class Enum>
struct Named {
  Enum value;
  std::string_view name;
};

/// The two-way table of an enum's values and names. Each enum that options or records spell has one beside
/// it:
///   template <> inline constexpr auto names_of<Reduce> = std::to_array<Named<Reduce>>({{...}, ...});
template <class Enum>
inline constexpr std::nullptr_t names_of = nullptr;

template <class Enum>
concept NamedEnum =
    std::is_enum_v<Enum> && !std::is_null_pointer_v<std::remove_cv_t<decltype(names_of<Enum>)>>;

/// What options and records call a value: "max-evaluations".
template <NamedEnum Enum>
constexpr std::string_view name(Enum value) {
  for (const auto& known : names_of<Enum>)
    if (known.value == value) return known.name;
  return {};
}

/// The value of that name; nothing where no value has it.
template <NamedEnum Enum>
constexpr std::optional<Enum> named(std::string_view name) {
  for (const auto& known : names_of<Enum>)
    if (known.name == name) return known.value;
  return {};
}

/// "beam, exhaustive".
template <NamedEnum Enum>
std::string all_names() {
  std::string text;
  for (const auto& known : names_of<Enum>) text.append(text.empty() ? "" : ", ").append(known.name);
  return text;
}

}  // namespace xai
