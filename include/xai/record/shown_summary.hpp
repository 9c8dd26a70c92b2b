#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "xai/record/cross_tally.hpp"
#include "xai/store/run_kind.hpp"

namespace xai {

/// What all records of a run of xai-crosstest that shows MSEs have in common.
struct ShownSetting {
  double min_gap = 0.05;  ///< smallest p_B(all) - p_B(empty)
  long sets = 32;         ///< shown of an image at most
  ImagesRule images = ImagesRule::common;
  long predicted_images = 0;  ///< all images of the run, of which some may be cross-tested only
  long rows = 0;              ///< of the files of predictions: images of the data set
  int classes = 0;            ///< of every model
  std::uint64_t seed = 0;     ///< of the intervals, which depend on the order in which images came, too
};

/// Of a run of xai-crosstest that shows each model's MSEs to all models (SPEC 7): how many of them are
/// sufficient for another model too, and which ratio they keep there, beside random sets of the same sizes
/// and sets of another image. Every number is a mean over images of what an image's sets give. Memory: ten
/// doubles for each image and ordered pair.
class ShownSummary : public Summary {
 public:
  /// What is told of an image and an ordered pair: shares of sets that are sufficient, means and medians of
  /// ratios, of all sets shown, of the smallest, and of the two controls.
  static constexpr std::array quantities = {"sufficient",          "ratio",          "median_ratio",
                                            "smallest_sufficient", "smallest_ratio", "smallest_median_ratio",
                                            "random_sufficient",   "random_ratio",   "other_sufficient",
                                            "other_ratio"};

  /// Throws UsageError where two models have one name.
  ShownSummary(std::vector<CrossModel> models, ShownSetting setting);

  void add(const Json& record) override;
  void set_ensembles(Ensembles ensembles) { tally_.set_ensembles(std::move(ensembles)); }
  void add_files(const std::filesystem::path& folder) override;
  Json to_json() const override;

  /// sets_matrix.csv, sets_family_matrix.csv, and with ensembles ensemble.csv.
  std::map<std::string, std::string> tables(const Json& summary) const override;

 private:
  using Values = std::array<double, quantities.size()>;
  enum class Right { unknown, no, yes };

  struct Image {
    std::vector<Values> pairs;  ///< NaN where undefined
    std::vector<Right> right;   ///< of each model: it gives the label
    bool complete() const;
  };

  bool labelled() const;
  Json describe_pairs(const std::vector<std::size_t>& pairs, const std::vector<const Image*>& used,
                      bool both_right) const;

  CrossTally tally_;
  ShownSetting setting_;
  double threshold_ = Statistics::undefined;
  std::vector<Image> images_;
};

}  // namespace xai
