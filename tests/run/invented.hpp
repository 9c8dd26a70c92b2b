#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

#include "temporary_folder.hpp"
#include "xai/core/file.hpp"
#include "xai/core/json.hpp"
#include "xai/model/classifier.hpp"
#include "xai/picture/picture.hpp"
#include "xai/run/compute.hpp"

namespace xai::testing {

inline constexpr int side = 16;  // of photographs and inputs

/// A classifier that is a function from N x 3 x 16 x 16 to logits.
class Invented : public Classifier {
 public:
  using Logits = std::function<at::Tensor(const at::Tensor&)>;

  Invented(ModelCard card, Logits logits) : card_(std::move(card)), logits_(std::move(logits)) {}

  const ModelCard& card() const override { return card_; }
  at::Device device() const override { return at::kCPU; }
  at::Tensor logits(const at::Tensor& batch) override { return logits_(batch); }

 private:
  ModelCard card_;
  Logits logits_;
};

inline OpenModel invented(Invented::Logits logits) {
  return [logits = std::move(logits)](const ModelCard& card, const ClassifierOptions&) {
    return std::make_shared<Invented>(card, logits);
  };
}

/// Three classes: how red, green, blue the reddest, greenest, bluest pixel is.
inline at::Tensor colours(const at::Tensor& batch) {
  return 8 * batch.amax({2, 3});
}

/// The card of an invented model, beside a file that stands for it.
inline std::filesystem::path save_card(const TemporaryFolder& folder, const std::string& name = "invented",
                                       int classes = 3) {
  const auto path = folder.path() / (name + ".pt");
  write_file_atomically(path, name);
  const Json card = {
      {"schema_version", "1.0"},
      {"name", name},
      {"family", "old-cnn"},
      {"architecture", {{"source", "package"}, {"name", "invented"}, {"version", "1"}}},
      {"weights", {{"origin", "file"}, {"sha256", std::string(64, '0')}}},
      {"input", {{"height", side}, {"width", side}}},
      {"preprocessing",
       {{"resize", side},
        {"interpolation", "bicubic"},
        {"crop", "center"},
        {"mean", {.5, .5, .5}},
        {"std", {.5, .5, .5}}}},
      {"classes", classes},
      {"class_list", nullptr},
      {"sha256", std::string(64 - name.size() % 64, '0') + std::string(name.size() % 64, 'a')}};
  write_file_atomically(std::filesystem::path(path).replace_extension(".json"), to_text(card));
  return path;
}

/// The bytes of a PNG: dark, with a bright red block in one of nine places.
inline std::string photograph(int place = 4) {
  cv::Mat image(side, side, CV_8UC3, cv::Scalar::all(20));
  image(cv::Rect(5 * (place % 3), 5 * (place / 3 % 3), 6, 6)).setTo(cv::Scalar(250, 10, 10));
  return encode_png(image);
}

/// A folder of so many photographs.
inline std::filesystem::path save_photographs(const TemporaryFolder& folder, int count) {
  const auto data = folder.path() / "photographs";
  std::filesystem::create_directories(data);
  for (int i = 0; i < count; ++i)
    write_file_atomically(data / (std::to_string(1000 + i) + ".png"), photograph(i));
  return data;
}

inline std::vector<Json> records_in(const std::filesystem::path& run) {
  std::vector<Json> records;
  std::istringstream lines(read_file(run / "results.jsonl"));
  for (std::string line; std::getline(lines, line);) records.push_back(Json::parse(line));
  return records;
}

}  // namespace xai::testing
