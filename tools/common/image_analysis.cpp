#include "common/image_analysis.hpp"

#include "xai/core/file.hpp"
#include "xai/core/log.hpp"
#include "xai/data/image.hpp"
#include "xai/model/preprocess.hpp"
#include "xai/store/npy.hpp"

namespace xai::tools {
namespace {

void dump(const std::filesystem::path& file, const at::Tensor& image) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) throw io_error("create folder", file.parent_path(), error.value());
  write_file_atomically(file, encode_npy({image.data_ptr<float>(), static_cast<std::size_t>(image.numel())},
                                         image.sizes().vec()));
}

}  // namespace

ImageAnalysis::ImageAnalysis(ImageRun& run, const InputOptions& input, const TargetOptions& target,
                             Baseline baseline, Background& writer)
    : run_(run),
      writer_(writer),
      input_(input),
      target_(target),
      baseline_(baseline),
      since_loading_(run.todo().size()) {}

LoadedImage ImageAnalysis::load(std::size_t index) {
  since_loading_[index] = Stopwatch();
  const ImageEntry& entry = run_.data().images[position(index)];
  const at::Tensor image = preprocess(read_image(entry.path, input_.max_pixels), run_.card());
  if (!input_.preprocess_dump.empty()) dump(input_.preprocess_dump / (entry.id + ".npy"), image);
  return {image, make_baseline(image, baseline_, run_.card().mean), entry.label};
}

void ImageAnalysis::failed(std::size_t index, const std::exception& error) {
  const std::string message = error.what();
  const ImageFacts facts = facts_of(index);
  log::warning(facts.image, ": ", message);
  write(index, facts, [this, message](const ImageFacts& f) { return failed_record(f, message); });
}

ImageFacts ImageAnalysis::facts_of(std::size_t index) const {
  const ImageEntry& entry = run_.data().images[position(index)];
  ImageFacts facts;
  facts.image = entry.id;
  facts.label = entry.label;
  return facts;
}

ImageFacts ImageAnalysis::facts_of(std::size_t index, const Prediction& intact) const {
  const bool explains_label = target_.target == Target::label;
  ImageFacts facts = facts_of(index);
  facts.predicted = intact.predicted;
  facts.target = explains_label ? facts.label : facts.predicted;
  facts.p_full = explains_label ? intact.p_label : intact.p_predicted;
  return facts;
}

bool ImageAnalysis::skip(std::size_t index, const ImageFacts& facts) {
  const bool wrong = target_.only_correct && facts.predicted != facts.label;
  if (!wrong && *facts.p_full >= target_.min_probability) return false;
  write(index, facts, [this, reason = wrong ? "wrong" : "low-probability"](const ImageFacts& f) {
    return skipped_record(f, reason);
  });
  return true;
}

void ImageAnalysis::write(std::size_t index, ImageFacts facts, MakeRecord make_record) {
  facts.seconds = since_loading_[index].seconds();
  writer_.post([this, facts = std::move(facts), make_record = std::move(make_record)] {
    run_.folder().append(make_record(facts));
  });
}

}  // namespace xai::tools
