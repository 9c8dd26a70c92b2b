#pragma once

#include <filesystem>
#include <string>

namespace xai {

/// What a file that should be TorchScript is instead, judged by its first bytes and, of an archive, by its
/// entries: "holds weights alone (a state dict)", "is an ONNX model", ...; with what to do. Empty where it
/// looks like TorchScript.
std::string what_else_it_is(const std::filesystem::path& file);

}  // namespace xai
