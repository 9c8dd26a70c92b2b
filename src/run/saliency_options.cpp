#include <algorithm>

#include "xai/run/saliency.hpp"

namespace xai {

void MapOptions::use(Preset chosen) {
  preset = chosen;
  igos = chosen == Preset::reference ? IgosOptions::reference() : IgosOptions();
}

bool MapOptions::optimises() const {
  return named<IgosMethod>(name(method)).has_value();
}

IgosOptions MapOptions::resolved_igos() const {
  IgosOptions options = igos;
  options.method = named<IgosMethod>(name(method)).value_or(igos.method);
  options.size = size;
  return options;
}

RiseOptions MapOptions::resolved_rise() const {
  RiseOptions options = rise;
  options.size = size;
  return options;
}

void MapOptions::validate() const {
  validate_described(*this);
  if (method == SaliencyMethod::rise) resolved_rise().validate();
}

void MapOptions::check(const ModelCard& card) const {
  const int side = std::min(card.height, card.width);
  require(size <= side, "'size' must be at most ", side, ", the pixels of the input of model ", card.name,
          ", not ", size);
}

void describe(OptionTable& table, MapOptions& options) {
  describe_method(table, options);
  describe_constants(table, options);
}

void describe_method(OptionTable& table, MapOptions& options) {
  table.group("Map");
  table.add("method", options.method, "How the map is made");
  table.add("size", options.size, "Maps have this many cells a side").at_least(2);
}

void describe_constants(OptionTable& table, MapOptions& options) {
  table.group("iGOS, iGOS+, iGOS++ (constants that are not given: the preset's)",
              [&options] { return options.optimises(); });
  table.add("preset", options.preset, "Constants: fast, or those of the public code")
      .with_effect(Effect::records);
  describe(table, options.igos);
  table.group("RISE", [&options] { return options.method == SaliencyMethod::rise; });
  describe(table, options.rise);
}

void use_preset(OptionTable& table, Preset preset) {
  MapOptions constants;
  constants.use(preset);
  OptionTable of_preset;
  describe(of_preset, constants.igos);
  table.fill(of_preset.values());
}

void describe(OptionTable& table, SaliencyRunOptions& options) {
  describe_subject(table, options);
  describe(table, options.maps);
  table.group("Map",
              [&options] { return options.repeats != 1; });  // so that a run without has the identity of old
  table
      .add("repeats", options.repeats,
           "Make so many maps of each image, of other random numbers, and say how alike they are")
      .at_least(1)
      .with_effect(Effect::records);
  describe(table, options.curve);
  describe_means(table, options);
  table.add("pictures", options.pictures, "Draw the maps of the first N images of the whole list; 0 = none")
      .at_least(-1)
      .with_word("all", -1)
      .with_effect(Effect::none);
}

void SaliencyRunOptions::validate() const {
  validate_described(*this);
  require_paths(*this);
  maps.validate();
  curve.validate(maps.size * maps.size);
}

}  // namespace xai
