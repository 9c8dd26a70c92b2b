#include "cross_subject.hpp"

#include <set>

#include "xai/run/session.hpp"
#include "xai/store/file_name.hpp"

namespace xai {
namespace {

std::vector<ModelCard> read_cards(const CrosstestRunOptions& options) {
  std::vector<ModelCard> cards;
  std::set<std::string> names;
  for (const auto& model : options.models) {
    cards.push_back(read_model_card(model));
    const ModelCard &first = cards.front(), &card = cards.back();
    require(names.insert(card.name).second, "two of 'models' are named ", card.name,
            ": give one of the cards another name");
    require(card.classes == first.classes && card.class_list.ids == first.class_list.ids, "models ",
            first.name, " and ", card.name, " do not have the same classes: only such can be compared");
    if (!options.shows_sets()) options.making.check(card);
  }
  require_expected(options.input, cards);
  return cards;
}

}  // namespace

std::vector<std::string> CrossSubject::names() const {
  std::vector<std::string> names;
  for (const ModelCard& card : cards) names.push_back(card.name);
  return names;
}

SaliencyRunOptions CrossSubject::map_run(Model model) const {
  SaliencyRunOptions run;
  run.input = options.input;
  run.input.model = options.models[model];
  run.input.expect_sha256.clear();
  run.input.data.spread = options.cross_images;
  run.target.target = name(data.labelled() ? Target::label : Target::predicted);
  run.perturbation = options.perturbation;
  run.maps = options.making;
  run.curve = options.curve;
  run.compute = options.compute;
  run.output = options.output;
  run.output.out /= std::filesystem::path("saliency") / file_name_of(cards[model].name, "");
  run.pictures = 0;
  return run;
}

Json CrossSubject::conditions() const {
  Json conditions = values_of(options).meaning;
  conditions["class"] = name(data.labelled() ? Target::label : Target::predicted);
  conditions["data"] = data_identity(data);
  return conditions;
}

CrossSubject open_subject(const CrosstestRunOptions& options) {
  CrossSubject subject{.options = options,
                       .cards = read_cards(options),
                       .data = {},
                       .tested = {},
                       .shard = options.input.share.shard(),
                       .taken = {}};
  subject.data = open_data(options.input.data, subject.cards.front());
  subject.tested = evenly_spread(subject.data.images.size(), static_cast<std::size_t>(options.cross_images));
  std::size_t untested = 0;
  for (std::size_t image = 0; image < subject.data.images.size(); ++image) {
    const auto row = subject.row_of(image);
    subject.taken.push_back(subject.shard.has(row ? *row : untested++));
  }
  return subject;
}

}  // namespace xai
