#include "cross_figures.hpp"

#include <algorithm>
#include <cmath>

#include "xai/core/log.hpp"
#include "xai/data/image.hpp"
#include "xai/model/preprocess.hpp"
#include "xai/picture/cross_picture.hpp"
#include "xai/picture/picture.hpp"

namespace xai {
namespace {

std::optional<double> number(const Json& record, const char* field) {
  return record[field].is_null() ? std::optional<double>() : record[field].get<double>();
}

/// What a model says at step t of a curve.
CrossBar bar_of(const Json& record, std::size_t t) {
  CrossBar bar{.model = record["model"],
               .f_full = number(record, "p_full"),
               .f_baseline = number(record, "p_baseline")};
  if (!record["curve"].empty())
    bar.posterior = *bar.f_baseline + record["curve"][t].get<double>() * (*bar.f_full - *bar.f_baseline);
  return bar;
}

std::string why_no_map(const SourceMap& map) {
  if (map.failure) return "The map of this model failed.";
  return map.problem == std::string_view("no-map") ? "This model has no map of the image."
                                                   : "The map explains another class.";
}

}  // namespace

void draw_cross_figure(const CrossSubject& subject, const MapSource& maps, const RunFolder& folder,
                       std::size_t row, std::span<const Json> records) try {
  const ImageEntry& image = subject.image(row);
  const Photograph photograph = read_photograph(image.source, subject.options.input.max_pixels);
  const CurveOptions& curve = subject.options.curve;
  const auto t = static_cast<std::size_t>(std::lround(subject.options.reveal / 100 * curve.steps));
  CrossFigure figure{.image = image.id,
                     .size = subject.options.making.size,
                     .revealed = curve_counts(curve, subject.cells())[t],
                     .mask = subject.options.perturbation.mask,
                     .rows = {}};
  const std::size_t models = subject.cards.size();
  for (std::size_t m = 0; m < models; ++m) {
    const ModelCard& card = subject.cards[m];
    const SourceMap map = maps.map_of(m, image, photograph.content);
    CrossRow line{.model = card.name, .photograph = to_image(preprocess(photograph.rgb, card))};
    if (map.target) line.class_name = card.class_name(*map.target);
    if (map.usable())
      line.map = map.cells;
    else
      line.why_no_map = why_no_map(map);
    for (const Json& record : records.subspan(m * models, models)) line.targets.push_back(bar_of(record, t));
    figure.rows.push_back(std::move(line));
  }
  folder.write_file(picture_path(image.id), encode_png(cross_picture(figure)));
} catch (const DataError& error) {
  const bool told = std::any_of(records.begin(), records.end(),
                                [](const Json& record) { return record["status"] == "error"; });
  const std::string line = cat(subject.image(row).id, ": no picture: ", error.what());
  if (told)
    log::debug(line);  // as its records do
  else
    log::warning(line);  // a photograph that changed after its tests
}

}  // namespace xai
