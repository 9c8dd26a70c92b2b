#include "xai/crosstest/cross_tester.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <optional>

#include "xai/core/error.hpp"

namespace xai {
namespace {

/// One image of a batch: the photograph under a mask of an evidence.
struct Row {
  std::size_t evidence;
  std::int64_t mask;
};

at::Tensor on_device(const std::array<double, 3>& values, const at::Device& device) {
  return at::tensor(at::ArrayRef<double>(values), at::kFloat).view({3, 1, 1}).to(device);
}

/// The masks of an evidence as another crop of the photograph sees them.
MaskComposer composer_of(const Evidence& evidence, const Crop& seen_by, MaskKind kind,
                         const at::Device& device) {
  const auto side = [](const CropSide& of, const CropSide& in) {
    return MaskSide{in.pixels, positions(of, in)};
  };
  return {side(seen_by.vertical, evidence.crop.vertical), side(seen_by.horizontal, evidence.crop.horizontal),
          static_cast<int>(evidence.masks.size(1)), kind, device};
}

}  // namespace

CrossTester::CrossTester(std::vector<Classifier*> models, const CrossTestOptions& options)
    : options_(options), device_(models.at(0)->device()), batch_size_(options.batch_size) {
  const auto shown_alike = [&](const ModelCard& a, const ModelCard& b) {
    return same_view(a, b) && (options.baseline != Baseline::mean || a.mean == b.mean);
  };
  for (Classifier* classifier : models) {
    const ModelCard& card = classifier->card();
    const auto view = std::find_if(views_.begin(), views_.end(),
                                   [&](const View& known) { return shown_alike(card_of(known), card); });
    (view == views_.end() ? views_.emplace_back() : *view).push_back(models_.size());
    batch_size_ = std::min(batch_size_.load(), classifier->most_rows());
    models_.push_back({classifier, on_device(card.mean, device_), on_device(card.std, device_)});
  }
}

/// Runs work(batch size), again with half of it whenever memory runs out.
template <class Work>
auto CrossTester::fitting(Work work) const {
  const c10::InferenceMode no_gradients;
  at::init_num_threads();  // at::set_num_threads() speaks to the thread that calls it
  while (true) {
    int size = batch_size_;
    try {
      return work(size);
    } catch (const std::exception& error) {
      if (!is_out_of_memory(error)) throw;
      const int half = halved_batch(size, device_);
      batch_size_.compare_exchange_strong(size, half);  // unless another thread was faster
    }
  }
}

CrossTester::Views CrossTester::views_of(const cv::Mat& photograph, bool with_baselines) const {
  Views views{.height = photograph.rows, .width = photograph.cols, .images = {}, .baselines = {}};
  for (const View& view : views_) {
    views.images.push_back(preprocess(photograph, card_of(view)));
    if (!with_baselines) continue;
    views.baselines.push_back(make_baseline(views.images.back(), options_.baseline, card_of(view).mean));
  }
  return views;
}

/// Of the first `rows` images of a batch in [0,1]: rows x K, on the device.
at::Tensor CrossTester::probabilities(const Model& model, const at::Tensor& batch, std::int64_t rows) const {
  const at::Tensor images = batch.sub(model.mean).div_(model.std).to(model.classifier->type());
  const at::Tensor logits = model.classifier->logits(images).slice(0, 0, rows);
  forward_ += rows;
  const at::Tensor broken = at::isfinite(logits).all(1, /*keepdim=*/true).logical_not();
  return model.classifier->probabilities(logits)
      .to(at::kFloat)
      .masked_fill(broken, std::numeric_limits<double>::quiet_NaN());
}

std::vector<at::Tensor> CrossTester::probabilities(std::span<const Views* const> photographs,
                                                   Shown shown) const {
  return fitting([&](int batch_size) {
    std::vector<std::vector<at::Tensor>> parts(models_.size());
    for (std::size_t view = 0; view < views_.size(); ++view) {
      std::vector<at::Tensor> images;
      for (const Views* photograph : photographs)
        images.push_back((shown == Shown::image ? photograph->images : photograph->baselines)[view]);
      for (const at::Tensor& some : at::stack(images).split(batch_size)) {
        const at::Tensor batch = some.to(device_);
        for (const std::size_t m : views_[view])
          parts[m].push_back(probabilities(models_[m], batch, batch.size(0)));
      }
    }
    std::vector<at::Tensor> result;
    for (const auto& of_model : parts) result.push_back(at::cat(of_model).cpu());
    return result;
  });
}

std::vector<std::vector<CrossTester::Probabilities>> CrossTester::reveal(
    const Views& photograph, std::span<const Evidence> evidence,
    const std::vector<std::vector<bool>>& wanted) const {
  return fitting([&](int batch_size) {
    std::vector<std::vector<Probabilities>> result(models_.size(),
                                                   std::vector<Probabilities>(evidence.size()));
    for (std::size_t view = 0; view < views_.size(); ++view)
      reveal(view, photograph, evidence, wanted, batch_size, result);
    return result;
  });
}

void CrossTester::reveal(std::size_t index, const Views& photograph, std::span<const Evidence> evidence,
                         const std::vector<std::vector<bool>>& wanted, int batch_size,
                         std::vector<std::vector<Probabilities>>& result) const {
  const View& view = views_[index];
  const ModelCard& card = card_of(view);
  std::vector<Row> rows;
  for (std::size_t e = 0; e < evidence.size(); ++e) {
    if (std::none_of(view.begin(), view.end(), [&](std::size_t m) { return wanted[m][e]; })) continue;
    for (std::int64_t mask = 0; mask < evidence[e].masks.size(0); ++mask) rows.push_back({e, mask});
  }
  if (rows.empty()) return;

  const at::Tensor &x = photograph.images[index], &b = photograph.baselines[index];
  const MaskableImage image{b.to(device_), (x - b).to(device_)};  // not normalised
  const Crop crop = crop_of(photograph.height, photograph.width, card);
  const std::size_t batches = (rows.size() + batch_size - 1) / batch_size;
  const std::size_t size = (rows.size() + batches - 1) / batches;  // batches of one shape, hardly any padding
  at::Tensor batch = at::zeros({static_cast<std::int64_t>(size), 3, card.height, card.width}, device_);
  std::vector<std::vector<at::Tensor>> parts(models_.size());
  std::optional<MaskComposer> composer;
  std::size_t composed = evidence.size();  // the evidence that it is of
  for (std::size_t first = 0; first < rows.size(); first += size) {
    const std::span<const Row> shown = std::span(rows).subspan(first, std::min(size, rows.size() - first));
    const auto count = static_cast<std::int64_t>(shown.size());
    std::vector<at::Tensor> visible;
    std::vector<std::int64_t> classes;
    for (std::size_t begin = 0, end = 0; begin < shown.size(); begin = end) {
      const std::size_t e = shown[begin].evidence;
      while (end < shown.size() && shown[end].evidence == e) ++end;
      if (composed != e) composer.emplace(composer_of(evidence[e], crop, options_.mask, device_));
      composed = e;
      const std::int64_t from = shown[begin].mask, to = shown[end - 1].mask + 1;
      visible.push_back(composer->upsample(evidence[e].masks.slice(0, from, to).to(device_)));
      classes.insert(classes.end(), end - begin, evidence[e].target);
    }
    mix(std::vector<const MaskableImage*>(shown.size(), &image), at::cat(visible), batch);
    const at::Tensor targets = at::tensor(classes, at::kLong).to(device_).unsqueeze(1);
    for (const std::size_t m : view)
      parts[m].push_back(probabilities(models_[m], batch, count).gather(1, targets).squeeze(1));
  }

  for (const std::size_t m : view) {
    const at::Tensor values = at::cat(parts[m]).to(at::kDouble).cpu();
    for (std::size_t n = 0; n < rows.size(); ++n)
      if (wanted[m][rows[n].evidence]) result[m][rows[n].evidence].push_back(values.data_ptr<double>()[n]);
  }
}

}  // namespace xai
