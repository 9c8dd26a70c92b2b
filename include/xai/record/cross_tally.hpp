#pragma once

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "xai/core/json.hpp"
#include "xai/core/names.hpp"
#include "xai/metrics/ensemble.hpp"
#include "xai/record/summary_parts.hpp"

namespace xai {

/// Where a run of xai-crosstest has what a model says of all images, and their labels.
std::string predictions_file(const std::string& model);
inline constexpr const char* labels_file = "predictions/.labels.npy";

struct CrossModel {
  std::string name;    ///< differs from the others'
  std::string family;  ///< of its card
  std::string sha256;  ///< of its .pt
};

/// A family as a source, one as a target, and the ordered pairs of models that its numbers are means over: of
/// different models, or of a family of one and itself, its model's self-test.
struct FamilyPair {
  std::string source, target;
  std::vector<std::size_t> pairs;  ///< models.size() * source + target of each
  bool self_test = false;
};

/// What summaries of xai-crosstest have in common, whatever models are shown: the models, what became of
/// their ordered pairs, and what averaging their predictions gives.
class CrossTally {
 public:
  /// `reasons`: that pairs can be undefined for. Throws UsageError where two models have one name.
  CrossTally(std::vector<CrossModel> models, std::initializer_list<const char*> reasons);

  /// Where a record belongs: images count in the order in which they came, pairs source by source.
  struct Place {
    std::size_t image, source, model, pair;
  };
  Place add(const Json& record);

  const std::vector<CrossModel>& models() const { return models_; }
  std::size_t pairs() const { return undefined_.size(); }
  std::size_t images() const { return images_.size(); }
  /// Images of which a pair is undefined.
  long undefined(std::size_t pair) const { return undefined_[pair]; }
  /// Of each two families, those of the first model first.
  std::vector<FamilyPair> families() const;

  /// Of the same models in the same order; without them the data has no labels.
  void set_ensembles(Ensembles ensembles) { ensembles_ = std::move(ensembles); }
  /// Sets those of a run's predictions and labels: files of `rows` images and `classes`.
  void add_files(const std::filesystem::path& folder, std::size_t rows, int classes);

  const Counts& statuses() const { return statuses_; }
  const Counts& reasons() const { return reasons_; }
  Json models_json() const;
  Json ensembles_json() const;  ///< null without labels

 private:
  std::vector<CrossModel> models_;
  std::unordered_map<std::string, std::size_t> index_;   ///< of each model, by name
  std::unordered_map<std::string, std::size_t> images_;  ///< of each image, by name
  std::vector<long> undefined_;                          ///< of each pair
  Counts statuses_, reasons_;
  std::optional<Ensembles> ensembles_;
};

/// The images that means are over: those of which every pair of the run is ok, or each pair's own.
enum class ImagesRule { common, pairwise };
template <>
inline constexpr auto names_of<ImagesRule> =
    std::to_array<Named<ImagesRule>>({{ImagesRule::common, "common"}, {ImagesRule::pairwise, "pairwise"}});

/// NaN for nothing.
double mean_of(const std::vector<double>& values);
/// What is not NaN.
std::vector<double> defined(const std::vector<double>& values);

}  // namespace xai
