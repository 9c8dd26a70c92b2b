#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "xai/report/cross_record.hpp"
#include "xai/report/cross_summary.hpp"

namespace xai {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

inline std::vector<CrossModel> three_models() {
  return {
      {"a", "x", std::string(64, 'a')}, {"b", "x", std::string(64, 'b')}, {"c", "y", std::string(64, 'c')}};
}

/// Adds the records of an image: an AUC for each ordered pair, source by source; NaN: undefined for `reason`.
inline void add_image(CrossSummary& summary, const std::vector<CrossModel>& models, const std::string& image,
                      const std::vector<double>& aucs, const std::string& reason = "gap") {
  auto auc = aucs.begin();
  for (const CrossModel& source : models)
    for (const CrossModel& target : models) {
      CrossPair pair = {.image = image, .source = source.name, .target_model = target.name};
      if (std::isnan(*auc)) {
        summary.add(undefined_cross_record(pair, reason));
      } else {
        pair.curve = Curve{{0, 1}, *auc};
        summary.add(cross_record(pair));
      }
      ++auc;
    }
}

inline void add_failed_image(CrossSummary& summary, const std::vector<CrossModel>& models,
                             const std::string& image) {
  for (const CrossModel& source : models)
    for (const CrossModel& target : models)
      summary.add(failed_cross_record({.image = image, .source = source.name, .target_model = target.name},
                                      "no JPEG"));
}

/// Two complete images, one without a -> c, one that failed.
inline CrossSummary four_images(ImagesRule rule = ImagesRule::common) {
  const auto models = three_models();
  CrossSummary summary(models, {.images = rule, .predicted_images = 5});
  add_image(summary, models, "1", {1, 0.5, 0.25, 0.75, 1, 0.5, 0.5, 0.25, 1});
  add_image(summary, models, "2", {0.5, 0.25, 0.75, 0.25, 0.5, 0, 0.5, 0.75, 0.5});
  add_image(summary, models, "3", {1, 1, none, 1, 1, 1, 1, 1, 1});
  add_failed_image(summary, models, "4");
  return summary;
}

inline Ensembles seven_sets() {
  return {.images = 100,
          .sets = {{{0}, 60, 90},
                   {{1}, 50, 80},
                   {{2}, 40, 70},
                   {{0, 1}, 65, 91},
                   {{0, 2}, 58, 92},
                   {{1, 2}, 55, 85},
                   {{0, 1, 2}, 70, 95}}};
}

/// Of a gate's baseline.
inline Json conditions() {
  return Json{{"data", {{"sha256", std::string(64, '0')}, {"count", 5}}},
              {"cross_images", 0},
              {"method", "igos++"},
              {"size", 28},
              {"baseline", "blur:10"},
              {"mask", "bilinear"},
              {"steps", 50},
              {"min_gap", 0.05},
              {"images_rule", "common"},
              {"class", "label"}};
}

}  // namespace xai
