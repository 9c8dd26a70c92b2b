#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "xai/model/classifier.hpp"

namespace xai {

/// Arithmetic of the forward pass. fp32: no TF32 anywhere; tf32: TensorFloat-32 in matrix products and
/// convolutions on CUDA; bf16: weights and activations in bfloat16. Softmax is always float32.
enum class Precision { fp32, tf32, bf16 };

/// How a module is prepared to run; it changes the speed and the last bits of its answers, never the
/// precision.
enum class Tuning {
  plain,   ///< as exported
  frozen,  ///< weights folded in as constants (torch.jit.freeze), batch norms folded into convolutions
  frozen_channels_last,
  frozen_channels_last_onednn,  ///< also with oneDNN graph fusion; CPU, fp32
};

std::string_view name(Precision precision);
std::string_view name(Tuning tuning);

/// "auto" (CUDA where there is one), "cpu", "cuda", "cuda:1". Throws UsageError for other names and for a
/// device that is not there.
at::Device parse_device(std::string_view name);

struct TorchScriptOptions {
  at::Device device = at::kCPU;
  Precision precision = Precision::fp32;
  /// Set: use this tuning. Empty: measure the candidates for a second or two and take the fastest whose
  /// answers agree with the plain module's.
  std::optional<Tuning> tuning = Tuning::plain;
  int batch_size = 8;  ///< the batch that is measured
};

/// A classifier from a TorchScript file and its card.
class TorchScriptClassifier : public Classifier {
 public:
  /// Loads NAME.pt with NAME.json and probes it: file hash equals the card's, K logits, finite, not
  /// softmaxed, and batches of 1, 2 and 3 agree row by row. Throws ModelError naming the file, what is wrong
  /// and what to do.
  TorchScriptClassifier(const std::filesystem::path& model, const TorchScriptOptions& options);
  ~TorchScriptClassifier() override;

  const ModelCard& card() const override { return card_; }
  at::Device device() const override { return options_.device; }
  at::Tensor logits(const at::Tensor& batch) override;

  Tuning tuning() const { return tuning_; }

  struct Measurement {
    Tuning tuning;
    double milliseconds = 0;  ///< per image; 0 where it failed
    bool usable = false;      ///< it ran, and agreed with the plain module
  };
  /// What the choice of tuning rests on; empty where it was given.
  const std::vector<Measurement>& measurements() const { return measurements_; }

 private:
  struct Module;  // keeps TorchScript's headers out of this one

  at::Tensor run(Module& module, const at::Tensor& batch) const;
  void probe(Module& plain) const;
  std::unique_ptr<Module> prepare(const Module& plain, Tuning tuning) const;
  void tune(std::unique_ptr<Module> plain);

  std::filesystem::path path_;
  ModelCard card_;
  TorchScriptOptions options_;
  Tuning tuning_ = Tuning::plain;
  std::vector<Measurement> measurements_;
  std::unique_ptr<Module> module_;
};

}  // namespace xai
