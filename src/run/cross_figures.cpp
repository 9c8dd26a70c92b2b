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

}  // namespace

void draw_cross_figure(const CrossSubject& subject, const EvidenceSource& evidence, const RunFolder& folder,
                       std::size_t row, std::span<const Json> records) try {
  const ImageEntry& image = subject.image(row);
  const Photograph photograph = read_photograph(image.source, subject.options.input.max_pixels);
  const auto [map_heading, shown_heading] = evidence.headings();
  CrossFigure figure{.image = image.id,
                     .size = evidence.size(),
                     .mask = subject.options.perturbation.mask,
                     .map_heading = map_heading,
                     .shown_heading = shown_heading,
                     .rows = {}};
  const std::size_t models = subject.cards.size();
  for (std::size_t m = 0; m < models; ++m) {
    const ModelCard& card = subject.cards[m];
    SourceEvidence found = evidence.evidence_of(m, row, photograph.content);
    CrossRow line{.model = card.name,
                  .photograph = to_image(preprocess(photograph.rgb, card)),
                  .map = std::move(found.map),
                  .shown = std::move(found.shown),
                  .why_no_map = found.why_none};
    if (found.target) line.class_name = card.class_name(*found.target);
    for (const Json& record : records.subspan(m * models, models))
      line.targets.push_back({.model = record["model"],
                              .posterior = evidence.probability_shown(record),
                              .f_full = number(record, "p_full"),
                              .f_baseline = number(record, "p_baseline")});
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
