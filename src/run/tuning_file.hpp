#pragma once

#include <filesystem>
#include <string>

#include "xai/core/json.hpp"
#include "xai/model/device.hpp"
#include "xai/model/model_card.hpp"

namespace xai {

/// The file of the option 'tuning': the ways to run models that several runs share, so that one model is run
/// in one way in all of them. Each is known by the model's hash, the kind of device and the precision.
class TuningFile {
 public:
  /// It need not be there yet.
  explicit TuningFile(std::filesystem::path path) : path_(std::move(path)) {}

  /// What Classifier::tuning() said of this model; null where nobody has tuned it yet. Throws UsageError
  /// where the file is something else.
  Json of(const ModelCard& card, const at::Device& device, Precision precision) const;

  /// Adds what a run has measured and gives what the file says then: choices that are there already stay,
  /// also where several processes add at once. Throws IoError.
  Json add(const ModelCard& card, const at::Device& device, Precision precision, const Json& tuning) const;

 private:
  Json read() const;

  std::filesystem::path path_;
};

}  // namespace xai
