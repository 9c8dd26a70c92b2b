#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cross_subject.hpp"
#include "model_pool.hpp"
#include "xai/record/cross_record.hpp"
#include "xai/store/finished_run.hpp"

namespace xai {

/// What a model looks at in one image, as it is shown to the others.
struct SourceEvidence {
  std::optional<std::string> failure = {};  ///< why there is none: an error
  std::optional<int> target = {};           ///< class c, where known
  const char* problem =
      nullptr;            ///< why there is no test of it, as records say: "no-map", "map-target", "no-mses"
  at::Tensor masks = {};  ///< N x s x s float32, 1 where the image is shown
  /// Puts what f, the probability of c under each mask, says of a tested model into its pair, which has
  /// p_full and p_baseline.
  std::function<void(CrossPair& pair, std::span<const double> f)> take = {};
  std::vector<float> map = {};    ///< s x s: what pictures draw of it,
  std::vector<float> shown = {};  ///< and which cells they reveal, 1 or 0;
  std::string why_none = {};      ///< without a map, a sentence that stands in its place

  bool usable() const { return !failure && !problem; }
};

/// The headings of what pictures draw of evidence.
struct EvidenceHeadings {
  std::string map, shown;
};

/// What each model of a run shows of the images: its map, or its MSEs.
class EvidenceSource {
 public:
  using Model = CrossSubject::Model;

  virtual ~EvidenceSource() = default;

  /// Of the run that was given for a model: the hash of its records; null without one.
  virtual Json identity(Model model) const = 0;
  /// What a model must be able to do for its evidence to be made.
  virtual ClassifierOptions needs(Model /*model*/) const { return {}; }
  /// Makes what was not given. Tells whether all is there: the observer may have said no.
  virtual bool make_missing(ModelPool& /*pool*/, RunObserver& /*observer*/) { return true; }
  /// Adds what making it would be to the plan of a dry run.
  virtual void plan_missing(ModelPool& /*pool*/, RunObserver& /*observer*/, RunPlan& /*plan*/) const {}

  /// Of an image that is cross-tested, of a photograph with this content. Throws DataError where what was
  /// found is damaged, or of another photograph.
  virtual SourceEvidence evidence_of(Model source, std::size_t row, const std::string& content) const = 0;

  /// Cells of a side.
  virtual int size() const = 0;
  /// Masks of an image's evidence, at most.
  virtual long masks(Model source, std::size_t row) const = 0;
  /// Fills a pair as an image with much evidence would, for the size of its record.
  virtual void invent(CrossPair& pair) const = 0;

  virtual EvidenceHeadings headings() const = 0;
  /// Of a record: the probability under the cells that pictures reveal; nothing where it was not tested.
  virtual std::optional<double> probability_shown(const Json& record) const = 0;
};

/// The model that a run which the option `key` names is of. Throws UsageError where it is none of the
/// subject's.
CrossSubject::Model model_of(const FinishedRun& run, const CrossSubject& subject, const char* key);

/// Of the option 'mses' where that is given, else maps. Throws UsageError where a run that was given does not
/// fit the models or the others.
std::unique_ptr<EvidenceSource> open_evidence(const CrossSubject& subject);

}  // namespace xai
