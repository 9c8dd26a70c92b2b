#pragma once

#include <string>
#include <string_view>

namespace xai {

/// The path of a file that a run writes of an image, or of a model: `name` + `suffix`, where a part of `name`
/// that the file system would not take is cut, at the end of a character, and ends in a hash of the whole:
/// "a/very lon~3f2a....png". It is the same for every run, and another for every other name. The last part
/// has a place for ".tmp" behind the suffix. A name that would lead out of its folder, as by "..", is its
/// last part and the hash instead. Records say which file is whose.
std::string file_name_of(std::string_view name, std::string_view suffix);

}  // namespace xai
