#pragma once

#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "xai/core/error.hpp"

namespace xai::fuzz {

using Bytes = std::span<const unsigned char>;

/// A reader of what others wrote. `run` gives it any bytes: it returns whether they are accepted or refused
/// as documented, and throws for everything else. Its state is the same before every input.
struct Target {
  std::string name;
  void (*run)(Bytes input);
};

const std::vector<Target>& targets();

// what a file with targets has
std::vector<Target> card_targets();
std::vector<Target> config_targets();
std::vector<Target> data_targets();
std::vector<Target> image_targets();
std::vector<Target> store_targets();

/// The files that targets read: in memory where there is such a file system. One a process, removed at its
/// end.
const std::filesystem::path& scratch();
/// Makes `name` in scratch() anew; folders are made.
std::filesystem::path write(const std::filesystem::path& name, std::string_view content);

inline std::string_view text_of(Bytes input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

/// What stands before the line `mark`, and what behind; all and nothing where there is none.
std::pair<std::string_view, std::string_view> parts(std::string_view input, std::string_view mark);

/// Whether `action` ends without an error. Lets out all exceptions but the documented ones.
template <class... Documented, class Action>
bool accepted(const Action& action) {
  try {
    action();
    return true;
  } catch (const Error& error) {
    if (!(dynamic_cast<const Documented*>(&error) || ...)) throw;
    return false;
  }
}

/// A property that every accepted input has.
template <class... Parts>
void property(bool holds, const Parts&... parts) {
  if (!holds) throw std::logic_error(cat("broken: ", parts...));
}

/// `path`, relative, names a place below the folder it is appended to.
bool stays_below(const std::filesystem::path& path);

}  // namespace xai::fuzz
