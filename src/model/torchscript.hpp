#pragma once

#include <torch/script.h>

#include <exception>
#include <filesystem>
#include <string>

#include "xai/model/device.hpp"

namespace xai {

/// TorchScript prints its stack first and the reason in a line "RuntimeError: ..."; the rest is for
/// debugging.
std::string torchscript_reason(const std::exception& error);

/// The module of a file, in eval mode, without gradients of its weights, in the precision's number type, with
/// the precision's switches in its graphs, and repaired where what tracing baked in can be (repair_graphs()):
/// the log says so. Throws ModelError where the file is missing, its hash is another, or it cannot be loaded:
/// what it is instead, or the first line of the cause.
torch::jit::Module load_torchscript(const std::filesystem::path& file, const std::string& sha256,
                                    const at::Device& device, Precision precision);

}  // namespace xai
