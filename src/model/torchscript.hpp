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

/// The module of a file, in eval mode, without gradients of its weights, and with the precision's switches in
/// its graphs (its weights are as they were). Throws ModelError where the file is missing, its hash is
/// another or it is not TorchScript.
torch::jit::Module load_torchscript(const std::filesystem::path& file, const std::string& sha256,
                                    const at::Device& device, Precision precision);

}  // namespace xai
