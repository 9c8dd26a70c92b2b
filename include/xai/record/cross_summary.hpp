#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "xai/core/json.hpp"
#include "xai/core/names.hpp"
#include "xai/metrics/ensemble.hpp"
#include "xai/record/summary_parts.hpp"
#include "xai/store/run_kind.hpp"

namespace xai {

/// Where a run of xai-crosstest has what a model says of all images, and their labels.
std::string predictions_file(const std::string& model);
inline constexpr const char* labels_file = "predictions/.labels.npy";

struct CrossModel {
  std::string name;    ///< differs from the others'
  std::string family;  ///< of its card
  std::string sha256;  ///< of its .pt
};

/// The images that means are over: those of which every pair of the run is ok, or each pair's own.
enum class ImagesRule { common, pairwise };
template <>
inline constexpr auto names_of<ImagesRule> =
    std::to_array<Named<ImagesRule>>({{ImagesRule::common, "common"}, {ImagesRule::pairwise, "pairwise"}});

/// What a run of xai-crosstest has in common.
struct CrossSetting {
  int steps = 50;                 ///< T of the curves
  double min_gap = 0.05;          ///< smallest f_c(x) - f_c(b) of a curve
  std::string method = "igos++";  ///< of the maps
  int size = 28;                  ///< s: the maps have s x s cells
  ImagesRule images = ImagesRule::common;
  long predicted_images = 0;  ///< all images of the run, of which some may be cross-tested only
  long rows = 0;              ///< of the files of predictions: images of the data set
  int classes = 0;            ///< of every model
  std::uint64_t seed = 0;     ///< of the intervals, which depend on the order in which images came, too
};

/// Of xai-crosstest: the matrix of mean AUCs (rows: where the map comes from, columns: the model tested) with
/// all that SPEC 7 derives from it. Memory: a double for each image and ordered pair.
class CrossSummary : public Summary {
 public:
  /// Throws UsageError where two models have one name.
  CrossSummary(std::vector<CrossModel> models, CrossSetting setting);

  void add(const Json& record) override;

  /// Of the same models in the same order; without them the data has no labels.
  void set_ensembles(Ensembles ensembles) { ensembles_ = std::move(ensembles); }
  /// Sets those of a run's predictions and labels.
  void add_files(const std::filesystem::path& folder) override;

  Json to_json() const override;

  /// matrix.csv, family_matrix.csv, asymmetry.csv, landscape.csv, and with ensembles ensemble.csv.
  std::map<std::string, std::string> tables(const Json& summary) const override;

 private:
  std::vector<CrossModel> models_;
  CrossSetting setting_;
  std::unordered_map<std::string, std::size_t> index_;  ///< of each model, by name
  std::unordered_map<std::string, std::size_t> rows_;   ///< of each image in aucs_, by name
  std::vector<std::vector<double>> aucs_;  ///< of each image and pair, source by source; NaN where not ok
  std::vector<long> undefined_;            ///< of each pair
  Counts statuses_;
  Counts reasons_{{"gap", 0}, {"map-target", 0}, {"no-map", 0}};
  std::optional<Ensembles> ensembles_;
};

}  // namespace xai
