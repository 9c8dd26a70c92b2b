#pragma once

#include <mutex>
#include <vector>

#include "cross_subject.hpp"
#include "evidence_source.hpp"
#include "xai/crosstest/cross_tester.hpp"
#include "xai/record/cross_record.hpp"
#include "xai/run/session.hpp"
#include "xai/store/prediction_store.hpp"

namespace xai {

/// What all models say of intact images and of baselines, on disk. Of a shard's run the rows of other shards
/// stay empty.
struct Predictions {
  const CrossSubject& subject;
  std::vector<PredictionStore> on_image;     ///< of each model: a row an image of the data set
  std::vector<PredictionStore> on_baseline;  ///< of each model: a row a cross-tested image
  ContentStore content;                      ///< of the photographs

  Predictions(const RunFolder& folder, const CrossSubject& subject);

  /// Every model knows the image of the data set.
  bool know(std::size_t image) const;
  /// Images of the run that some model does not know: they cannot be read, most often.
  long unknown_images() const;
};

/// The pictures' path of an image, where it is among those that are drawn; else empty.
std::string cross_picture_of(const CrossSubject& subject, std::size_t row);

/// One pass over the data set with the models that are in memory: each photograph is read once, its views are
/// made once, and everything that is missing of it is asked: predictions, baselines, curves. Records go to
/// the folder as they are made.
class CrossPass {
 public:
  using Model = CrossSubject::Model;

  /// Of models first .. last-1, which `tester` has in this order. Everything given outlives the pass.
  CrossPass(const CrossSubject& subject, const EvidenceSource& evidence, Predictions& predictions,
            RunFolder& folder, const CrossTester& tester, Model first, Model last);

  /// Does what is missing, in `threads` threads. Tells whether it was done: the observer may have said no.
  bool run(int threads, int batch_size, RunObserver& observer);

 private:
  /// A photograph of the pass, and what is missing of it.
  struct Item {
    std::size_t image;               ///< index into the data set
    std::optional<std::size_t> row;  ///< index into subject.tested of one with missing pairs or baselines
    bool predict;
    std::string content = {};
    CrossTester::Views views = {};
  };

  /// What a model says of an image and of its baseline: K probabilities each.
  struct Said {
    std::vector<float> full, baseline;
  };

  std::vector<Item> missing() const;
  bool pairs_missing(std::size_t row) const;
  void work(std::span<const Item> chunk);
  bool read(Item& item);
  void predict(const std::vector<Item>& items, CrossTester::Shown shown);
  void append(const std::vector<Json>& records);
  std::vector<Json> failed(const Item& item, const std::string& message) const;
  std::vector<Json> cross_test(const Item& item) const;
  CrossPair pair_of(const Item& item, Model source, Model target) const;
  std::optional<Said> said_by(const Item& item, Model target) const;
  static Json record_of(CrossPair pair, const SourceEvidence& evidence, bool tested,
                        const std::vector<double>& f);

  const CrossSubject& subject_;
  const EvidenceSource& evidence_;
  Predictions& predictions_;
  RunFolder& folder_;
  const CrossTester& tester_;
  Model first_, last_;
  std::mutex mutex_;  // of the folder
};

}  // namespace xai
