#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "xai/core/json.hpp"
#include "xai/record/cross_tally.hpp"
#include "xai/store/run_kind.hpp"

namespace xai {

/// What all curves of a run of xai-crosstest have in common.
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

/// Of a run of xai-crosstest that shows maps: the matrix of mean AUCs (rows: where the map comes from,
/// columns: the model tested) with all that SPEC 7 derives from it. Memory: a double for each image and
/// ordered pair.
class CrossSummary : public Summary {
 public:
  /// Throws UsageError where two models have one name.
  CrossSummary(std::vector<CrossModel> models, CrossSetting setting);

  void add(const Json& record) override;

  /// Of the same models in the same order; without them the data has no labels.
  void set_ensembles(Ensembles ensembles) { tally_.set_ensembles(std::move(ensembles)); }
  /// Sets those of a run's predictions and labels.
  void add_files(const std::filesystem::path& folder) override;

  Json to_json() const override;

  /// matrix.csv, family_matrix.csv, asymmetry.csv, landscape.csv, and with ensembles ensemble.csv.
  std::map<std::string, std::string> tables(const Json& summary) const override;

 private:
  CrossTally tally_;
  CrossSetting setting_;
  std::vector<std::vector<double>> aucs_;  ///< of each image and pair; NaN where not ok
};

}  // namespace xai
