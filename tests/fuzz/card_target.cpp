#include "targets.hpp"
#include "xai/core/json.hpp"
#include "xai/model/model_card.hpp"
#include "xai/store/file_name.hpp"

namespace xai::fuzz {
namespace {

void read_card(Bytes input) {
  static const auto model = [] {
    write("card/classes.txt", "n01440764\nn01443537\n");
    return write("card/model.pt", "");
  }();
  write("card/model.json", text_of(input));
  accepted<ModelError, DataError, IoError>([&] {
    const ModelCard card = read_model_card(model);
    const auto classes = static_cast<std::size_t>(card.classes);
    property(card.class_list.ids.empty() || card.class_list.ids.size() == classes, "K ids");
    property(card.class_list.ids.size() == card.class_list.names.size(), "a name for each id");
    property(card.height > 0 && card.width > 0 && card.resize >= std::max(card.height, card.width), "sizes");
    const std::filesystem::path file = file_name_of(card.name, ".npy");
    property(stays_below(file) && !file.has_parent_path(), "the model's name may name a file: ", file);
    to_text(card.document, 2);  // it goes into run.json
    for (const int c : {0, card.classes - 1}) card.class_name(c);
  });
}

}  // namespace

std::vector<Target> card_targets() {
  return {{"card", read_card}};
}

}  // namespace xai::fuzz
