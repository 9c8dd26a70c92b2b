#include "mse_analysis.hpp"

#include "xai/core/file.hpp"
#include "xai/core/log.hpp"
#include "xai/data/image.hpp"
#include "xai/model/preprocess.hpp"
#include "xai/report/npy.hpp"
#include "xai/report/picture.hpp"

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

MseAnalysis::MseAnalysis(const MseToolOptions& options, const DataSet& data,
                         const std::vector<std::size_t>& todo, const ModelCard& card, RunFolder& folder,
                         Background& writer)
    : options_(options),
      data_(data),
      todo_(todo),
      card_(card),
      folder_(folder),
      writer_(writer),
      since_loading_(todo.size()) {}

LoadedImage MseAnalysis::load(std::size_t index) {
  since_loading_[index] = Stopwatch();
  const ImageEntry& entry = data_.images[todo_[index]];
  const at::Tensor image = preprocess(read_image(entry.path, options_.input.max_pixels), card_);
  if (!options_.preprocess_dump.empty()) dump(options_.preprocess_dump / (entry.id + ".npy"), image);
  return {image, make_baseline(image, options_.perturbation.baseline, card_.mean), entry.label};
}

Task<void> MseAnalysis::analyse(std::size_t index, ImageSession& session) {
  const Prediction& intact = session.prediction();
  const bool explains_label = options_.target == Target::label;
  ImageFacts facts = facts_of(index);
  facts.predicted = intact.predicted;
  facts.target = explains_label ? facts.label : facts.predicted;
  facts.p_full = explains_label ? intact.p_label : intact.p_predicted;

  const auto skip = [&](const char* reason) {
    write(index, facts,
          [this, reason](const ImageFacts& f) { return skipped_mse_record(f, options_.mse, reason); });
  };
  if (options_.only_correct && facts.predicted != facts.label) {
    skip("wrong");
    co_return;
  }
  if (*facts.p_full < options_.min_probability) {
    skip("low-probability");
    co_return;
  }

  MseResult result = co_await find_mses(session.scorer(*facts.target), options_.mse);
  result.near_ties += intact.near_tie;
  if (wants_picture(index)) facts.picture = picture_path(facts.image);
  write(index, facts, [this, result, image = session.loaded().image](const ImageFacts& f) {
    if (!f.picture.empty())
      folder_.write_file(f.picture,
                         encode_png(mse_picture(to_image(image), f.image, card_.class_name(*f.target), result,
                                                options_.mse, options_.perturbation.mask)));
    return mse_record(f, options_.mse, result);
  });
}

void MseAnalysis::failed(std::size_t index, const std::exception& error) {
  const std::string message = error.what();
  const ImageFacts facts = facts_of(index);
  log::warning(facts.image, ": ", message);
  write(index, facts,
        [this, message](const ImageFacts& f) { return failed_mse_record(f, options_.mse, message); });
}

ImageFacts MseAnalysis::facts_of(std::size_t index) const {
  const ImageEntry& entry = data_.images[todo_[index]];
  ImageFacts facts;
  facts.image = entry.id;
  facts.label = entry.label;
  return facts;
}

bool MseAnalysis::wants_picture(std::size_t index) const {
  return options_.pictures < 0 || todo_[index] < static_cast<std::size_t>(options_.pictures);
}

void MseAnalysis::write(std::size_t index, ImageFacts facts, MakeRecord make_record) {
  facts.seconds = since_loading_[index].seconds();
  writer_.post([this, facts = std::move(facts), make_record = std::move(make_record)] {
    folder_.append(make_record(facts));
  });
}

}  // namespace xai::tools
