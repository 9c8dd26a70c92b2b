#include "cross_plan.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "rehearsal.hpp"
#include "xai/core/log.hpp"
#include "xai/core/parallel.hpp"
#include "xai/core/stopwatch.hpp"
#include "xai/data/image.hpp"
#include "xai/picture/cross_picture.hpp"
#include "xai/picture/picture.hpp"
#include "xai/record/kinds.hpp"

namespace xai {
namespace {

using Model = CrossSubject::Model;

/// A map that none of the models made: 0 .. cells-1 in some order.
std::vector<float> invented_map(int size) {
  std::vector<float> cells(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = static_cast<float>(i * 7919 % cells.size());
  return cells;
}

/// What is missing of a run.
class Missing {
 public:
  Missing(const CrossSubject& subject, const EvidenceSource& evidence, const Predictions& predictions,
          const RunFolder& folder)
      : masks_(subject.cards.size()) {
    for (std::size_t image = 0; image < subject.data.images.size(); ++image) {
      if (!subject.has(image)) continue;
      bool missing = !predictions.know(image);
      predictions_ += missing;
      if (const auto row = subject.row_of(image)) missing |= look_at_pairs(subject, evidence, folder, *row);
      if (missing) images_.push_back(image);
    }
  }

  const std::vector<std::size_t>& images() const { return images_; }
  /// Rows that a model is shown. Where one model of a pass lacks a prediction all are asked.
  long rows(Model model) const { return predictions_ + baselines_ + masks_[model]; }
  long predictions() const { return predictions_; }
  long baselines() const { return baselines_; }
  long pairs() const { return pairs_; }
  long pictures() const { return pictures_; }

 private:
  bool look_at_pairs(const CrossSubject& subject, const EvidenceSource& evidence, const RunFolder& folder,
                     std::size_t row) {
    bool any = false;
    for (Model source = 0; source < subject.cards.size(); ++source) {
      const long masks = evidence.masks(source, row);
      for (Model m = 0; m < subject.cards.size(); ++m) {
        if (folder.done({subject.image(row).id, subject.cards[source].name, subject.cards[m].name})) continue;
        masks_[m] += masks;
        ++pairs_;
        any = true;
      }
    }
    baselines_ += any;
    pictures_ += !cross_picture_of(subject, row).empty();
    return any;
  }

  std::vector<std::size_t> images_;
  std::vector<long> masks_;  // of each model as the one tested
  long pairs_ = 0, predictions_ = 0, baselines_ = 0, pictures_ = 0;
};

/// Rows a second that a model answers in revealing photographs.
double reveal_speed(const CrossTester& tester, const ModelCard& card,
                    const std::vector<CrossTester::Views>& photographs, int size,
                    const ComputePlan& compute) {
  if (photographs.empty()) return 0;
  const at::Tensor masks = at::rand({2L * compute.batch_size, size, size});
  for (const CrossTester::Views& views : photographs) {  // the model's first batches apart
    const CrossTester::Views* shown = &views;
    tester.probabilities({&shown, 1}, CrossTester::Shown::image);
  }
  const long before = tester.forward();
  const Stopwatch time;
  for_each_in_parallel(
      1 << 20, compute.lanes,
      [&](std::size_t i) {
        const CrossTester::Views& views = photographs[i % photographs.size()];
        const Evidence evidence{.masks = masks, .crop = crop_of(views.height, views.width, card)};
        tester.reveal(views, {&evidence, 1}, {{true}});
      },
      [&] { return time.seconds() < measuring_seconds; });
  return static_cast<double>(tester.forward() - before) / time.seconds();
}

/// The size of a record of a pair that was tested.
std::int64_t record_bytes(const CrossSubject& subject, const EvidenceSource& evidence) {
  CrossPair pair;
  pair.facts = {.image = subject.image(0).id,
                .content = std::string(64, '0'),
                .label = subject.image(0).label,
                .predicted = 0,
                .target = 0,
                .p_full = 1 / 1.3,
                .p_baseline = 1 / 7.0};
  pair.source = pair.model = subject.cards.front().name;
  pair.outside = 0;
  evidence.invent(pair);
  return static_cast<std::int64_t>(to_text(cross_record(pair)).size()) + 1;
}

/// The size of a figure of a photograph.
std::int64_t picture_bytes(const CrossSubject& subject, const EvidenceSource& evidence,
                           const CrossTester::Views& photograph) {
  const auto [map_heading, shown_heading] = evidence.headings();
  CrossFigure figure{.image = subject.image(0).id,
                     .size = evidence.size(),
                     .mask = subject.options.perturbation.mask,
                     .map_heading = map_heading,
                     .shown_heading = shown_heading,
                     .rows = {}};
  const std::vector<float> map = invented_map(evidence.size() * evidence.size());
  for (const ModelCard& card : subject.cards) {
    CrossRow row{.model = card.name,
                 .class_name = card.class_name(0),
                 .photograph = to_image(photograph.images.front()),
                 .map = map,
                 .shown = map};
    for (float& cell : row.shown) cell = cell < 0.2F * static_cast<float>(map.size()) ? 1.0F : 0.0F;
    for (const ModelCard& target : subject.cards)
      row.targets.push_back({.model = target.name, .posterior = 0.5, .f_full = 0.9, .f_baseline = 0.1});
    figure.rows.push_back(std::move(row));
  }
  return static_cast<std::int64_t>(encode_png(cross_picture(figure)).size());
}

}  // namespace

CrossPlan plan_cross_tests(const CrossSubject& subject, const EvidenceSource& evidence,
                           const Predictions& predictions, const RunFolder& folder, ModelPool& pool,
                           const ComputePlan& compute) {
  const Missing missing(subject, evidence, predictions, folder);
  CrossPlan plan{.images = static_cast<long>(missing.images().size()), .parts = {}, .bytes = 0};
  plan.bytes = missing.pairs() * record_bytes(subject, evidence);
  for (Model m = 0; m < subject.cards.size(); ++m) {
    const ModelCard& card = subject.cards[m];
    plan.bytes += (missing.predictions() + missing.baselines()) * card.classes * long{sizeof(float)};
    PlannedPart part{.tool = crosstest_kind().tool, .model = card.name, .images = plan.images};
    part.most.forward = missing.rows(m);
    if (part.most.forward == 0) continue;
    const auto classifier = pool.get(m);
    const CrossTester tester({classifier.get()}, {.baseline = subject.options.perturbation.baseline,
                                                  .mask = subject.options.perturbation.mask,
                                                  .batch_size = compute.batch_size});
    std::map<std::size_t, CrossTester::Views> views;
    std::mutex mutex;
    const auto entry = [&](std::size_t i) -> const ImageEntry& {
      return subject.data.images[missing.images()[i]];
    };
    const Sample sample = read_sample(
        missing.images().size(), compute.lanes,
        [&](std::size_t i) {
          auto made = tester.views_of(read_photograph(entry(i).source, subject.options.input.max_pixels).rgb);
          const std::lock_guard lock(mutex);
          views[i] = std::move(made);
        },
        [&](std::size_t i, const std::exception& error) { log::warning(entry(i).id, ": ", error.what()); });
    std::vector<CrossTester::Views> photographs;
    for (const std::size_t i : sample.indices) photographs.push_back(views[i]);
    part.read_seconds = sample.seconds;
    part.speed.forward = reveal_speed(tester, card, photographs, evidence.size(), compute);
    if (m == 0 && !photographs.empty())
      plan.bytes += missing.pictures() * picture_bytes(subject, evidence, photographs.front());
    plan.parts.push_back(std::move(part));
  }
  return plan;
}

}  // namespace xai
