#include "cross_pass.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "xai/core/log.hpp"
#include "xai/core/parallel.hpp"
#include "xai/data/image.hpp"
#include "xai/picture/picture.hpp"
#include "xai/store/file_name.hpp"

namespace xai {
namespace {

constexpr auto not_finite = "the model gives logits that are not finite (NaN or infinity) for ";
constexpr int most_photographs = 32;  // in a chunk: their views are in memory together

/// A file of the run; of one that is to start anew, and is only looked at, there is none.
std::filesystem::path file_of(const RunFolder& folder, const std::filesystem::path& name) {
  const bool none = folder.access() == RunAccess::look && folder.previous_run().is_null();
  return none ? std::filesystem::path() : folder.path() / name;
}

std::vector<PredictionStore> open_stores(const RunFolder& folder, const CrossSubject& subject,
                                         const std::filesystem::path& kind, std::size_t rows) {
  std::vector<PredictionStore> stores;
  for (const ModelCard& card : subject.cards)
    stores.emplace_back(file_of(folder, kind / file_name_of(card.name, ".npy")), rows, card.classes,
                        folder.access());
  return stores;
}

int arg_max(const std::vector<float>& values) {
  return static_cast<int>(std::max_element(values.begin(), values.end()) - values.begin());
}

}  // namespace

Predictions::Predictions(const RunFolder& folder, const CrossSubject& of)
    : subject(of),
      on_image(open_stores(folder, subject, "predictions", subject.data.images.size())),
      on_baseline(open_stores(folder, subject, "baselines", subject.tested.size())),
      content(file_of(folder, "predictions/.content.npy"), subject.data.images.size(), folder.access()) {
  if (folder.access() == RunAccess::look || !subject.data.labelled()) return;
  LabelStore labels(folder.path() / labels_file, subject.data.images.size());
  for (std::size_t image = 0; image < labels.rows(); ++image)
    if (const auto label = subject.data.images[image].label; label && subject.has(image))
      labels.write(image, *label);
}

bool Predictions::know(std::size_t image) const {
  return std::all_of(on_image.begin(), on_image.end(), [&](const auto& store) { return store.known(image); });
}

long Predictions::unknown_images() const {
  long count = 0;
  for (std::size_t image = 0; image < on_image.front().rows(); ++image)
    count += subject.has(image) && !know(image);
  return count;
}

std::string cross_picture_of(const CrossSubject& subject, std::size_t row) {
  const long pictures = subject.options.pictures;
  const bool drawn = pictures < 0 || row < static_cast<std::size_t>(pictures);
  return drawn ? picture_path(subject.image(row).id) : "";
}

CrossPass::CrossPass(const CrossSubject& subject, const EvidenceSource& evidence, Predictions& predictions,
                     RunFolder& folder, const CrossTester& tester, Model first, Model last)
    : subject_(subject),
      evidence_(evidence),
      predictions_(predictions),
      folder_(folder),
      tester_(tester),
      first_(first),
      last_(last) {}

bool CrossPass::run(int threads, int batch_size, RunObserver& observer) {
  const std::vector<Item> items = missing();
  const auto size = static_cast<std::size_t>(std::min(batch_size, most_photographs));
  const std::size_t chunks = (items.size() + size - 1) / size;
  const long total = subject_.images();
  const long already_done = total - static_cast<long>(items.size()), before = tester_.forward();
  std::atomic<long> done = 0;
  bool stopped = false;  // written by one thread at a time
  const std::string title = cat("cross-tests of models ", first_ + 1, " to ", last_);
  const auto report = [&] {
    stopped = stopped || !observer.progress({.what = title,
                                             .done = already_done + done,
                                             .already_done = already_done,
                                             .total = total,
                                             .evaluations = tester_.forward() - before});
    return !stopped;
  };
  if (chunks == 0) return true;
  for_each_in_parallel(
      chunks, threads,
      [&](std::size_t i) {
        const auto rest = std::span(items).subspan(i * size);
        const auto chunk = rest.first(std::min(size, rest.size()));
        work(chunk);
        done += static_cast<long>(chunk.size());
      },
      report);
  report();
  return done == static_cast<long>(items.size());
}

/// Photographs of which the models of the pass have something to say.
std::vector<CrossPass::Item> CrossPass::missing() const {
  std::vector<Item> items;
  for (std::size_t image = 0; image < subject_.data.images.size(); ++image) {
    if (!subject_.has(image)) continue;
    Item item{.image = image, .row = {}, .predict = false};
    for (Model m = first_; m < last_; ++m) item.predict |= !predictions_.on_image[m].known(image);
    if (const auto row = subject_.row_of(image); row && pairs_missing(*row)) item.row = row;
    if (item.predict || item.row) items.push_back(std::move(item));
  }
  return items;
}

bool CrossPass::pairs_missing(std::size_t row) const {
  for (Model source = 0; source < subject_.cards.size(); ++source)
    for (Model target = first_; target < last_; ++target)
      if (!folder_.done({subject_.image(row).id, subject_.cards[source].name, subject_.cards[target].name}))
        return true;
  return false;
}

void CrossPass::work(std::span<const Item> chunk) {
  std::vector<Item> items(chunk.begin(), chunk.end());
  std::erase_if(items, [this](Item& item) { return !read(item); });
  predict(items, CrossTester::Shown::image);
  predict(items, CrossTester::Shown::baseline);
  for (const Item& item : items)
    if (item.row) append(cross_test(item));
}

/// Reads the photograph and makes its views; tells whether that worked. Where not, its records say why.
bool CrossPass::read(Item& item) {
  const ImageEntry& image = subject_.data.images[item.image];
  try {
    const Photograph photograph = read_photograph(image.source, subject_.options.input.max_pixels);
    predictions_.content.check(item.image, photograph.content);
    item.content = photograph.content;
    item.views = tester_.views_of(photograph.rgb, item.row.has_value());
    return true;
  } catch (const DataError& error) {
    log::warning(image.id, ": ", error.what());
    if (item.row) append(failed(item, error.what()));
    return false;
  }
}

/// Asks the models of the photographs, or of their baselines, that one of them does not know.
void CrossPass::predict(const std::vector<Item>& items, CrossTester::Shown shown) {
  const bool intact = shown == CrossTester::Shown::image;
  auto& stores = intact ? predictions_.on_image : predictions_.on_baseline;
  std::vector<const CrossTester::Views*> views;
  std::vector<std::size_t> rows;
  std::vector<std::string> names;
  for (const Item& item : items) {
    if (!intact && !item.row) continue;
    const std::size_t row = intact ? item.image : *item.row;
    if (std::all_of(stores.begin() + static_cast<std::ptrdiff_t>(first_),
                    stores.begin() + static_cast<std::ptrdiff_t>(last_),
                    [&](const auto& store) { return store.known(row); }))
      continue;
    views.push_back(&item.views);
    rows.push_back(row);
    names.push_back(subject_.data.images[item.image].id);
  }
  if (rows.empty()) return;
  const std::vector<at::Tensor> answers = tester_.probabilities(views, shown);
  for (Model m = first_; m < last_; ++m)
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const at::Tensor answer = answers[m - first_][static_cast<std::int64_t>(i)];
      const std::span values(answer.data_ptr<float>(), static_cast<std::size_t>(answer.numel()));
      if (!std::isnan(values.front()))
        stores[m].write(rows[i], values);
      else
        log::warning(names[i], ": a model gives logits that are not finite (NaN or infinity)");
    }
}

void CrossPass::append(const std::vector<Json>& records) {
  const std::lock_guard lock(mutex_);
  for (const Json& record : records)
    if (!folder_.done({record["image"], record["source"], record["model"]})) folder_.append(record);
}

std::vector<Json> CrossPass::failed(const Item& item, const std::string& message) const {
  std::vector<Json> records;
  for (Model target = first_; target < last_; ++target)
    for (Model source = 0; source < subject_.cards.size(); ++source)
      records.push_back(blank_cross_record(pair_of(item, source, target), "error", message));
  return records;
}

CrossPair CrossPass::pair_of(const Item& item, Model source, Model target) const {
  CrossPair pair;
  pair.facts.image = subject_.data.images[item.image].id;
  pair.facts.content = item.content;
  pair.facts.label = subject_.data.images[item.image].label;
  pair.source = subject_.cards[source].name;
  pair.model = subject_.cards[target].name;
  return pair;
}

/// Nothing where the model has no finite answer to one of them.
std::optional<CrossPass::Said> CrossPass::said_by(const Item& item, Model target) const {
  const PredictionStore &full = predictions_.on_image[target], &baseline = predictions_.on_baseline[target];
  if (!full.known(item.image) || !baseline.known(*item.row)) return {};
  return Said{full.row(item.image), baseline.row(*item.row)};
}

/// The records of one image for all sources and the models of the pass.
std::vector<Json> CrossPass::cross_test(const Item& item) const try {
  const auto crop_on = [&](Model m) {
    return crop_of(item.views.height, item.views.width, subject_.cards[m]);
  };
  std::vector<SourceEvidence> sources;
  std::vector<Evidence> evidence;
  for (Model source = 0; source < subject_.cards.size(); ++source) {
    sources.push_back(evidence_.evidence_of(source, *item.row, item.content));
    evidence.push_back({.masks = sources.back().masks,
                        .crop = crop_on(source),
                        .target = sources.back().target.value_or(0)});
  }
  std::vector<std::vector<CrossPair>> pairs(last_ - first_);
  std::vector<std::vector<bool>> wanted(last_ - first_);
  for (Model target = first_; target < last_; ++target) {
    const std::optional<Said> said = said_by(item, target);
    for (Model source = 0; source < sources.size(); ++source) {
      CrossPair pair = pair_of(item, source, target);
      ImageFacts& facts = pair.facts;
      facts.picture = cross_picture_of(subject_, *item.row);
      facts.target = sources[source].target;
      pair.outside = share_outside(crop_on(target), evidence[source].crop);
      if (said) facts.predicted = arg_max(said->full);
      if (said && facts.target) {
        facts.p_full = said->full[static_cast<std::size_t>(*facts.target)];
        facts.p_baseline = said->baseline[static_cast<std::size_t>(*facts.target)];
      }
      wanted[target - first_].push_back(sources[source].usable() && facts.p_full &&
                                        *facts.p_full - *facts.p_baseline >= subject_.options.curve.min_gap);
      pairs[target - first_].push_back(std::move(pair));
    }
  }
  const auto revealed = tester_.reveal(item.views, evidence, wanted);
  std::vector<Json> records;
  for (std::size_t t = 0; t < pairs.size(); ++t)
    for (Model source = 0; source < sources.size(); ++source)
      records.push_back(
          record_of(std::move(pairs[t][source]), sources[source], wanted[t][source], revealed[t][source]));
  return records;
} catch (const DataError& error) {
  log::warning(subject_.image(*item.row).id, ": ", error.what());
  return failed(item, error.what());
}

/// `f`: f_c of each mask, if the pair was tested.
Json CrossPass::record_of(CrossPair pair, const SourceEvidence& evidence, bool tested,
                          const std::vector<double>& f) {
  const auto error = [&](const std::string& message) { return blank_cross_record(pair, "error", message); };
  if (!pair.facts.predicted) return error(cat(not_finite, "this image or its baseline"));
  if (evidence.failure) return error(*evidence.failure);
  if (evidence.problem) return blank_cross_record(pair, "undefined", evidence.problem);
  if (!tested) return cross_record(pair);
  if (std::any_of(f.begin(), f.end(), [](double p) { return std::isnan(p); }))
    return error(cat(not_finite, "a masked version of this image"));
  evidence.take(pair, f);
  return cross_record(pair);
}

}  // namespace xai
