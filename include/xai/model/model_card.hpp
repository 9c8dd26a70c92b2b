#pragma once

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "xai/core/names.hpp"
#include "xai/data/class_list.hpp"
#include "xai/data/resize.hpp"

namespace xai {

/// A model cut behind its last feature map, for Grad-CAM: head(features(x)) = model(x). Both TorchScript;
/// features maps the model's input to N x C x h x w, head maps that to the logits.
struct GradCamFiles {
  std::filesystem::path features;
  std::filesystem::path head;
  std::string features_sha256;  ///< as the card says
  std::string head_sha256;
};

/// What a model gives (SPEC 2).
enum class Output {
  logits,         ///< p of the classes is their softmax
  probabilities,  ///< p itself: rows of numbers in [0,1] that sum to 1
  sigmoid,        ///< p of a class is its own sigmoid: binary and multi-label heads
};
template <>
inline constexpr auto names_of<Output> = std::to_array<Named<Output>>(
    {{Output::logits, "logits"}, {Output::probabilities, "probabilities"}, {Output::sigmoid, "sigmoid"}});

/// What the file NAME.json beside a model NAME.pt says of it (SPEC 2; docs/schema/model-card.schema.json).
struct ModelCard {
  std::filesystem::path model;  ///< the file NAME.pt
  std::string name;             ///< not empty, no '/', no leading '.': it may name a file
  std::string family;           ///< "old-cnn", "new-cnn", "convnext", "transformer", "distilled", ...
  int height = 0;               ///< H of the input, pixels
  int width = 0;                ///< W of the input, pixels
  int resize = 0;               ///< the short side is resized to this many pixels before the centre crop
  Interpolation interpolation = Interpolation::bicubic;
  std::array<double, 3> mean{};  ///< RGB, in units of [0,1]
  std::array<double, 3> std{};   ///< RGB, in units of [0,1]
  Output output = Output::logits;
  int outputs = 0;       ///< numbers that the model gives of an image
  int classes = 0;       ///< K: as many, but 2 for one output (index 1 its own, 0 the complement)
  ClassList class_list;  ///< K ids and K names, or empty
  std::string sha256;    ///< of the .pt file, as the card says
  std::optional<GradCamFiles> gradcam;  ///< where the architecture has a last feature map

  nlohmann::ordered_json document;  ///< the whole card but its class list, for run.json

  /// The name of class c, or its number where the card lists none.
  std::string class_name(int c) const;
};

/// Reads the card that stands beside a model file (same path, ending .json) and checks all that
/// docs/schema/model-card.schema.json asks for. Throws ModelError naming the file, the field, its value and
/// what it must be, or that there is no model.
ModelCard read_model_card(const std::filesystem::path& model);

}  // namespace xai
