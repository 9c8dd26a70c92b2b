#pragma once

#include <torch/script.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "temporary_folder.hpp"
#include "xai/core/file.hpp"
#include "xai/core/hash.hpp"
#include "xai/model/classifier.hpp"

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
                                 {"weights", {{"origin", "file"}, {"sha256", std::string(64, '0')}}},
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

inline std::unique_ptr<Classifier> open(const std::filesystem::path& model,
                                        const ClassifierOptions& options = {}) {
  return open_classifier(read_model_card(model), options);
}

/// A model of two feature maps of 2 x 2, red and green, with a linear head and the two parts that Grad-CAM
/// takes: class 1 likes red and dislikes green, the others do not care.
inline std::filesystem::path save_cut_model(
    const TemporaryFolder& folder,
    const std::function<void(nlohmann::ordered_json&)>& change = [](nlohmann::ordered_json&) {}) {
  const std::string maps = "torch.adaptive_avg_pool2d(x[:, 0:2], [2, 2])";
  const std::string head = R"(
    y = a.mean([2, 3])
    z = torch.zeros_like(y[:, 0])
    return torch.stack([z, 12 * y[:, 0] - 4 * y[:, 1], z, z, z], 1)
)";
  const auto save_part = [&](const std::string& name, const std::string& source) -> nlohmann::ordered_json {
    torch::jit::Module module(name);
    module.define(source);
    module.save((folder.path() / (name + ".pt")).string());
    return {{"file", name + ".pt"}, {"sha256", sha256_file(folder.path() / (name + ".pt"))}};
  };
  return save_model(folder, "def forward(self, x):\n    a = " + maps + head, [&](auto& card) {
    card["gradcam"] = {
        {"features", save_part("features", "def forward(self, x):\n    return " + maps + "\n")},
        {"head", save_part("head", "def forward(self, a):" + head)}};
    change(card);
  });
}

}  // namespace xai::testing
