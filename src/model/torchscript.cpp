#include "torchscript.hpp"

#include "graph_switches.hpp"
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

torch::jit::Module load_torchscript(const std::filesystem::path& file, const std::string& sha256,
                                    const at::Device& device, Precision precision) {
  require<ModelError>(std::filesystem::is_regular_file(file), "model ", file.string(),
                      " is missing, its card names it; export the model again with scripts/export_models.py");
  require<ModelError>(sha256_file(file) == sha256, "model ", file.string(),
                      " is not the file its card describes (sha256 differs); export the model again with "
                      "scripts/export_models.py");
  torch::jit::Module module;
  try {
    module = torch::jit::load(file.string(), device);
  } catch (const std::exception& error) {
    log::debug(error.what());
    throw ModelError(
        cat("model ", file.string(),
            " is not a TorchScript file (weights alone do not do); make one with scripts/export_models.py"));
  }
  module.eval();
  for (const at::Tensor& parameter : module.parameters()) parameter.set_requires_grad(false);
  set_graph_switches(module, /*allow_tf32=*/precision == Precision::tf32);
  return module;
}

}  // namespace xai
