#include "xai/model/model_card.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "xai/core/error.hpp"
#include "xai/core/file.hpp"
#include "xai/core/json_text.hpp"

namespace xai {
namespace {

using Json = nlohmann::ordered_json;

constexpr int most_pixels = 100'000, most_classes = 100'000;

/// 64 and 64.0, as JSON Schema has it.
bool is_integer(const Json& value) {
  return value.is_number_integer() ||
         (value.is_number() && value.get<double>() == std::floor(value.get<double>()));
}

bool is_hash(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

bool is_schema_version(const std::string& text) {
  return text.starts_with("1.") && text.size() > 2 && text.find_first_not_of("0123456789", 2) == text.npos;
}

bool is_file_name(const std::string& text) {
  const auto bad = [](unsigned char c) { return c == '/' || c < 0x20 || c == 0x7f; };
  return !text.empty() && text.front() != '.' && std::none_of(text.begin(), text.end(), bad);
}

/// Reads fields and blames the card's file for what they lack.
class Reader {
 public:
  Reader(const std::filesystem::path& file, const Json& root) : file_(file), root_(root) {}

  bool contains(const std::string& pointer) const { return root_.contains(Json::json_pointer(pointer)); }

  const Json& at(const std::string& pointer) const {
    if (!contains(pointer)) fail(pointer, "is missing");
    return root_.at(Json::json_pointer(pointer));
  }

  std::string text(const std::string& pointer, std::size_t min_length = 0) const {
    const Json& value = at(pointer);
    const bool fits = value.is_string() && value.get_ref<const std::string&>().size() >= min_length;
    if (!fits) refuse(pointer, min_length > 0 ? "a text that is not empty" : "a text");
    return value;
  }

  std::string text(const std::string& pointer, bool (*fits)(const std::string&), const char* what) const {
    const Json& value = at(pointer);
    if (!value.is_string() || !fits(value.get_ref<const std::string&>())) refuse(pointer, what);
    return value;
  }

  std::string sha256(const std::string& pointer) const {
    return text(pointer, is_hash, "64 hexadecimal digits, in lower case");
  }

  std::string one_of(const std::string& pointer, const std::vector<std::string>& choices) const {
    std::string listed;
    for (const std::string& choice : choices) {
      if (at(pointer) == choice) return choice;
      listed += (listed.empty() ? "" : &choice == &choices.back() ? " or " : ", ") + choice;
    }
    refuse(pointer, listed);
  }

  void integer(const std::string& pointer) const {
    if (!is_integer(at(pointer))) refuse(pointer, "an integer");
  }
  int integer(const std::string& pointer, int low, int high) const {
    const Json& value = at(pointer);
    if (!is_integer(value) || value.get<double>() < low || value.get<double>() > high)
      refuse(pointer, cat("an integer from ", low, " to ", high));
    return value;
  }

  double number(const std::string& pointer, double low, double high) const {
    const Json& value = at(pointer);
    if (!value.is_number() || !(value.get<double>() >= low && value.get<double>() <= high))
      refuse(pointer, cat("a number from ", low, " to ", high));
    return value;
  }

  /// Three numbers; `above`: the lower bound itself is out.
  std::array<double, 3> channels(const std::string& pointer, double low, bool above, double high) const {
    const Json& value = at(pointer);
    const auto fits = [&](const Json& one) {
      return one.is_number() && (above ? one.get<double>() > low : one.get<double>() >= low) &&
             one.get<double>() <= high;
    };
    if (!value.is_array() || value.size() != 3 || !std::all_of(value.begin(), value.end(), fits))
      refuse(pointer,
             cat("three numbers ", above ? "above " : "from ", low, above ? " and at most " : " to ", high));
    return value;
  }

  std::vector<std::string> texts(const std::string& pointer) const {
    const Json& value = at(pointer);
    const auto is_text = [](const Json& one) { return one.is_string(); };
    if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_text))
      refuse(pointer, "a list of texts");
    return value;
  }

  /// Says that the value must be `what` and is not.
  [[noreturn]] void refuse(const std::string& pointer, const std::string& what) const {
    constexpr std::size_t longest = 80;
    std::string value = at(pointer).dump();
    if (value.size() > longest) value = value.substr(0, longest) + "...";
    fail(pointer, cat("must be ", what, ", not ", value));
  }

  [[noreturn]] void fail(const std::string& pointer, const std::string& what) const {
    throw ModelError(cat("model card ", file_.string(), ": field ", pointer, " ", what,
                         "; export the model again with xai-export"));
  }

 private:
  const std::filesystem::path& file_;
  const Json& root_;
};

/// What no program needs, but the schema asks for.
void check_origin(const Reader& reader) {
  reader.one_of("/architecture/source", {"timm", "torchvision", "package", "torchscript", "module"});
  reader.text("/architecture/name", 1);
  reader.text("/architecture/version");
  const bool random = reader.one_of("/weights/origin", {"pretrained", "file", "random"}) == "random";
  reader.sha256("/weights/sha256");
  if (random || reader.contains("/weights/seed")) reader.integer("/weights/seed");
  if (!random && !reader.contains("/weights/photo")) return;
  reader.text("/weights/photo/file");
  reader.number("/weights/photo/p_full", 0.5, 1);
  reader.number("/weights/photo/p_baseline", 0, 0.2);
}

ClassList read_classes(const Reader& reader, int outputs, const std::filesystem::path& folder) {
  const std::string field = "/class_list";
  if (reader.at(field).is_null()) return {};
  ClassList list;
  if (reader.contains(field + "/file")) {
    const auto file = folder / reader.text(field + "/file", 1);
    std::error_code unreadable;  // a name that is too long, a folder that may not be read
    if (!std::filesystem::is_regular_file(file, unreadable))
      reader.fail(field + "/file", cat("names ", file.string(), ", which is no file"));
    list = read_class_list(file);
  } else {
    list = {reader.texts(field + "/ids"), reader.texts(field + "/names")};
  }
  const auto count = static_cast<std::size_t>(std::max(outputs, 2));
  const char* two = outputs == 1 ? ", which stands for two: the complement's and the output's own" : "";
  if (list.ids.size() != count)
    reader.fail(field, cat("lists ", list.ids.size(), " classes, field /classes says ", outputs, two));
  if (list.names.size() != count)
    reader.fail(field + "/names",
                cat("has ", list.names.size(), " texts, field /classes says ", outputs, two));
  std::set<std::string> known;
  for (const std::string& id : list.ids)
    if (!known.insert(id).second) reader.fail(field + "/ids", cat("has ", Json(id).dump(), " twice"));
  return list;
}

std::optional<GradCamFiles> read_gradcam(const Reader& reader, const std::filesystem::path& folder) {
  if (!reader.contains("/gradcam") || reader.at("/gradcam").is_null()) return {};
  return GradCamFiles{folder / reader.text("/gradcam/features/file", 1),
                      folder / reader.text("/gradcam/head/file", 1),
                      reader.sha256("/gradcam/features/sha256"), reader.sha256("/gradcam/head/sha256")};
}

Json parse_card(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  require<ModelError>(!nests_too_deep(text), "model card ", path.string(), " has more than ", deepest_json,
                      " lists and objects in each other; export the model again with xai-export");
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw ModelError(cat("model card ", path.string(), " is not JSON (byte ", error.byte,
                         "); export the model again with xai-export"));
  } catch (const Json::out_of_range&) {
    throw ModelError(cat("model card ", path.string(),
                         " holds a number that is too large; export the model again with xai-export"));
  }
}

}  // namespace

std::string ModelCard::class_name(int c) const {
  const auto index = static_cast<std::size_t>(c);
  return index < class_list.names.size() ? class_list.names[index] : cat("class ", c);
}

ModelCard read_model_card(const std::filesystem::path& model) {
  std::error_code unreadable;  // a name that is too long, a folder that may not be read
  require<ModelError>(std::filesystem::is_regular_file(model, unreadable), "no model file ", model.string(),
                      "; make one with xai-export");
  const auto path = std::filesystem::path(model).replace_extension(".json");
  require<ModelError>(std::filesystem::exists(path, unreadable), "no model card ", path.string(),
                      " beside the model; make one: xai-export --torchscript ", model.string());
  require<ModelError>(std::filesystem::is_regular_file(path), "model card ", path.string(), " is no file");
  Json root = parse_card(path);
  const Reader reader(path, root);
  if (const auto version = reader.text("/schema_version"); !is_schema_version(version))
    reader.fail("/schema_version", cat("is ", version, ", this program reads 1.x"));

  ModelCard card;
  card.model = model;
  card.name = reader.text("/name", is_file_name,
                          "a name and no path: not empty, without '/', a leading '.' and control characters");
  card.family = reader.text("/family", 1);
  check_origin(reader);
  card.height = reader.integer("/input/height", 1, most_pixels);
  card.width = reader.integer("/input/width", 1, most_pixels);
  card.resize = reader.integer("/preprocessing/resize", 1, most_pixels);
  card.interpolation = reader.one_of("/preprocessing/interpolation", {"bilinear", "bicubic"}) == "bilinear"
                           ? Interpolation::bilinear
                           : Interpolation::bicubic;
  reader.one_of("/preprocessing/crop", {"center"});
  card.mean = reader.channels("/preprocessing/mean", 0, /*above=*/false, 1);
  card.std = reader.channels("/preprocessing/std", 0, /*above=*/true, 10);
  if (card.resize < std::max(card.height, card.width))
    reader.fail("/preprocessing/resize", cat("is ", card.resize, ", smaller than the crop of ", card.height,
                                             " x ", card.width, " pixels"));
  if (reader.contains("/output"))
    card.output = *named<Output>(reader.one_of("/output", {"logits", "probabilities", "sigmoid"}));
  card.outputs = reader.integer("/classes", 1, most_classes);
  if (card.outputs == 1 && card.output != Output::sigmoid)
    reader.fail("/classes",
                "is 1: one output is a class and its complement by its sigmoid, which the card says with "
                "\"output\": \"sigmoid\"");
  card.classes = std::max(card.outputs, 2);
  card.class_list = read_classes(reader, card.outputs, path.parent_path());
  card.sha256 = reader.sha256("/sha256");
  card.gradcam = read_gradcam(reader, path.parent_path());
  root.erase("class_list");
  card.document = std::move(root);
  return card;
}

}  // namespace xai
