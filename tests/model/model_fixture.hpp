#pragma once

#include <torch/script.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "temporary_folder.hpp"
#include "xai/core/file.hpp"
#include "xai/core/hash.hpp"

namespace xai::testing {

/// Saves a TorchScript model whose forward is `source` ("def forward(self, x): ...", x: N x 3 x 16 x 16) with
/// a fitting card; `change` may spoil the card.
inline std::filesystem::path save_model(
    const TemporaryFolder& folder, const std::string& source,
    const std::function<void(nlohmann::ordered_json&)>& change = [](nlohmann::ordered_json&) {}) {
  torch::jit::Module module("toy");
  module.register_parameter("weight", at::rand({3, 5}, at::detail::createCPUGenerator(5)),
                            /*is_buffer=*/false);
  module.define(source + "\n");
  const auto path = folder.path() / "toy.pt";
  module.save(path.string());
  nlohmann::ordered_json card = {{"schema_version", "1.0"},
                                 {"name", "toy"},
                                 {"family", "old-cnn"},
                                 {"architecture", {{"source", "package"}, {"name", "toy"}, {"version", "1"}}},
                                 {"weights", {{"origin", "random"}, {"sha256", "00"}}},
                                 {"input", {{"height", 16}, {"width", 16}}},
                                 {"preprocessing",
                                  {{"resize", 18},
                                   {"interpolation", "bicubic"},
                                   {"crop", "center"},
                                   {"mean", {.5, .5, .5}},
                                   {"std", {.5, .5, .5}}}},
                                 {"classes", 5},
                                 {"class_list", nullptr},
                                 {"sha256", sha256_file(path)}};
  change(card);
  write_file_atomically(folder.path() / "toy.json", card.dump());
  return path;
}

/// Mean colour times a 3 x 5 matrix: logits of 5 classes.
inline const std::string linear_model = R"(
def forward(self, x):
    return torch.mm(x.mean([2, 3]), self.weight)
)";

}  // namespace xai::testing
