#include "torchscript.hpp"

#include <torch/version.h>

#include <algorithm>
#include <map>
#include <regex>

#include "graph_switches.hpp"
#include "model_file.hpp"
#include "xai/core/error.hpp"
#include "xai/core/hash.hpp"
#include "xai/core/log.hpp"

namespace xai {

std::string torchscript_reason(const std::exception& error) {
  const std::string text = error.what();
  log::debug(text);
  constexpr std::string_view mark = "RuntimeError: ";
  const auto at = text.rfind(mark);
  const auto begin = at == std::string::npos ? 0 : at + mark.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

namespace {

/// Why torch::jit::load() failed, in one line with what to do.
std::string loading_complaint(const std::filesystem::path& file, const std::exception& error) {
  const std::string text = error.what();
  if (text.find("maximum supported version") != text.npos)
    return cat("was written by a newer torch than this program's (", TORCH_VERSION,
               "); export it again with that version");
  if (const std::string other = what_else_it_is(file); !other.empty()) return other;
  std::smatch found;
  if (std::regex_search(text, found,
                        std::regex("Unknown (?:builtin op|operator):? ?([A-Za-z0-9_:]+[A-Za-z0-9_])")) ||
      std::regex_search(text, found, std::regex("Unknown type name '(__torch__[A-Za-z0-9_.]+)'")))
    return cat("needs ", found[1].str(),
               ", which LibTorch itself does not have; name the library that has it with "
               "'library' (libtorchvision.so for torchvision), or export the model without it");
  const auto begin = text.find_first_not_of(" \n");
  return cat(
      "cannot be loaded: ", begin == text.npos ? "" : text.substr(begin, text.find('\n', begin) - begin),
      "; export it again with xai-export");
}

/// The number type of most of a module's weights; float32 for one without.
at::ScalarType weights_type(const torch::jit::Module& module) {
  std::map<at::ScalarType, std::int64_t> numbers;
  for (const at::Tensor& weights : module.parameters())
    if (weights.is_floating_point()) numbers[weights.scalar_type()] += weights.numel();
  const auto most = std::max_element(numbers.begin(), numbers.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == numbers.end() ? at::kFloat : most->first;
}

/// Module::to() would convert indices, too.
void convert(torch::jit::Module& module, at::ScalarType type) {
  const auto to_type = [type](at::Tensor tensor) {
    if (tensor.is_floating_point() && tensor.scalar_type() != type) tensor.set_data(tensor.to(type));
  };
  for (const at::Tensor& tensor : module.parameters()) to_type(tensor);
  for (const at::Tensor& tensor : module.buffers()) to_type(tensor);
}

}  // namespace

torch::jit::Module load_torchscript(const std::filesystem::path& file, const std::string& sha256,
                                    const at::Device& device, Precision precision) {
  require<ModelError>(std::filesystem::is_regular_file(file), "model ", file.string(),
                      " is missing, its card names it; export the model again with xai-export");
  require<ModelError>(
      sha256_file(file) == sha256, "model ", file.string(),
      " is not the file its card describes (sha256 differs); export the model again with xai-export");
  torch::jit::Module module;
  try {
    module = torch::jit::load(file.string(), device);
  } catch (const std::exception& error) {
    log::debug(error.what());
    if (is_out_of_memory(error))
      throw ModelError(cat("model ", file.string(), " does not fit into the memory of ", device));
    throw ModelError(cat("model ", file.string(), " ", loading_complaint(file, error)));
  }
  module.eval();
  for (const at::Tensor& parameter : module.parameters()) parameter.set_requires_grad(false);
  if (const auto type = weights_type(module); type != at::kFloat)
    log::info("model ", file.string(), " holds ", type, " weights: they are converted to ",
              type_of(precision));
  convert(module, type_of(precision));
  set_graph_switches(module, /*allow_tf32=*/precision == Precision::tf32);
  const GraphRepairs repairs = repair_graphs(module, device);
  if (repairs.training > 0)
    log::warning("model ", file.string(), " was exported in training mode: ", repairs.training,
                 " operations (dropout, batch norm) are set to inference");
  if (repairs.devices > 0)
    log::info("model ", file.string(), " names another device at ", repairs.devices,
              " places: they are moved to ", device);
  return module;
}

}  // namespace xai
