#include "xai/model/model_card.hpp"

#include "xai/core/error.hpp"
#include "xai/core/file.hpp"

namespace xai {
namespace {

using Json = nlohmann::ordered_json;

/// Reads fields and blames the card's file for what they lack.
class Reader {
 public:
  Reader(const std::filesystem::path& file, const Json& root) : file_(file), root_(root) {}

  template <class T>
  T get(const char* pointer) const {
    const Json::json_pointer where(pointer);
    if (!root_.contains(where)) fail(pointer, "is missing");
    try {
      return root_.at(where).get<T>();
    } catch (const Json::exception&) {
      fail(pointer, cat("has the wrong type: ", root_.at(where).dump()));
    }
  }

  int positive(const char* pointer) const {
    const int value = get<int>(pointer);
    if (value < 1 || value > 100'000) fail(pointer, cat("must be a number from 1 to 100000, not ", value));
    return value;
  }

  [[noreturn]] void fail(const char* pointer, const std::string& what) const {
    throw ModelError(cat("model card ", file_.string(), ": field ", pointer, " ", what,
                         "; export the model again with scripts/export_models.py"));
  }

 private:
  const std::filesystem::path& file_;
  const Json& root_;
};

ClassList read_classes(const Reader& reader, const Json& root, const std::filesystem::path& folder) {
  if (!root.contains("class_list") || root["class_list"].is_null()) return {};
  if (root["class_list"].contains("file")) {
    const auto file = folder / reader.get<std::string>("/class_list/file");
    if (!std::filesystem::is_regular_file(file))
      reader.fail("/class_list/file", cat("names ", file.string(), ", which is no file"));
    return read_class_list(file);
  }
  return {reader.get<std::vector<std::string>>("/class_list/ids"),
          reader.get<std::vector<std::string>>("/class_list/names")};
}

std::optional<GradCamFiles> read_gradcam(const Reader& reader, const Json& root,
                                         const std::filesystem::path& folder) {
  if (!root.contains("gradcam") || root["gradcam"].is_null()) return {};
  return GradCamFiles{folder / reader.get<std::string>("/gradcam/features/file"),
                      folder / reader.get<std::string>("/gradcam/head/file"),
                      reader.get<std::string>("/gradcam/features/sha256"),
                      reader.get<std::string>("/gradcam/head/sha256")};
}

}  // namespace

std::string ModelCard::class_name(int c) const {
  const auto index = static_cast<std::size_t>(c);
  return index < class_list.names.size() ? class_list.names[index] : cat("class ", c);
}

ModelCard read_model_card(const std::filesystem::path& model) {
  require<ModelError>(std::filesystem::is_regular_file(model), "no model file ", model.string(),
                      "; make one with scripts/export_models.py");
  const auto path = std::filesystem::path(model).replace_extension(".json");
  require<ModelError>(std::filesystem::exists(path), "no model card ", path.string(),
                      " beside the model; scripts/export_models.py writes both");
  Json root;
  try {
    root = Json::parse(read_file(path));
  } catch (const Json::parse_error& error) {
    throw ModelError(cat("model card ", path.string(), " is not JSON (byte ", error.byte,
                         "); export the model again with scripts/export_models.py"));
  }
  const Reader reader(path, root);
  const auto version = reader.get<std::string>("/schema_version");
  if (!version.starts_with("1."))
    reader.fail("/schema_version", cat("is ", version, ", this program reads 1.x"));

  ModelCard card;
  card.name = reader.get<std::string>("/name");
  card.family = reader.get<std::string>("/family");
  card.height = reader.positive("/input/height");
  card.width = reader.positive("/input/width");
  card.resize = reader.positive("/preprocessing/resize");
  const auto interpolation = reader.get<std::string>("/preprocessing/interpolation");
  if (interpolation != "bilinear" && interpolation != "bicubic")
    reader.fail("/preprocessing/interpolation", cat("must be bilinear or bicubic, not ", interpolation));
  card.interpolation = interpolation == "bilinear" ? Interpolation::bilinear : Interpolation::bicubic;
  const auto crop = reader.get<std::string>("/preprocessing/crop");
  if (crop != "center") reader.fail("/preprocessing/crop", cat("must be center, not ", crop));
  card.mean = reader.get<std::array<double, 3>>("/preprocessing/mean");
  card.std = reader.get<std::array<double, 3>>("/preprocessing/std");
  for (const double s : card.std)
    if (!(s > 0)) reader.fail("/preprocessing/std", "must be positive");
  if (card.resize < std::max(card.height, card.width))
    reader.fail("/preprocessing/resize", cat("is ", card.resize, ", smaller than the crop of ", card.height,
                                             " x ", card.width, " pixels"));
  card.classes = reader.positive("/classes");
  if (card.classes < 2) reader.fail("/classes", "must be at least 2");
  card.class_list = read_classes(reader, root, path.parent_path());
  if (const auto listed = card.class_list.ids.size(); listed != 0 && static_cast<int>(listed) != card.classes)
    reader.fail("/class_list", cat("lists ", listed, " classes, field /classes says ", card.classes));
  card.sha256 = reader.get<std::string>("/sha256");
  card.gradcam = read_gradcam(reader, root, path.parent_path());
  root.erase("class_list");
  card.document = std::move(root);
  return card;
}

}  // namespace xai
