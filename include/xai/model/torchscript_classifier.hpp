#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "xai/core/names.hpp"
#include "xai/model/classifier.hpp"

namespace xai {

/// Arithmetic of the forward pass. fp32: no TF32 anywhere; tf32: TensorFloat-32 in matrix products and
/// convolutions on CUDA; bf16: weights and activations in bfloat16; fp64: in double, slow, to see what float
/// noise does. Softmax is always float32.
enum class Precision { fp32, tf32, bf16, fp64 };
template <>
inline constexpr auto names_of<Precision> = std::to_array<Named<Precision>>({{Precision::fp32, "fp32"},
                                                                             {Precision::tf32, "tf32"},
                                                                             {Precision::bf16, "bf16"},
                                                                             {Precision::fp64, "fp64"}});

/// How a module is prepared to run; it changes the speed and the last bits of its answers, never the
/// precision.
enum class Tuning {
  plain,   ///< as exported
  frozen,  ///< weights folded in as constants (torch.jit.freeze), batch norms folded into convolutions
  frozen_channels_last,
  frozen_channels_last_onednn,  ///< also with oneDNN graph fusion; CPU, fp32
};
template <>
inline constexpr auto names_of<Tuning> =
    std::to_array<Named<Tuning>>({{Tuning::plain, "plain"},
                                  {Tuning::frozen, "frozen"},
                                  {Tuning::frozen_channels_last, "frozen-channels-last"},
                                  {Tuning::frozen_channels_last_onednn, "frozen-channels-last-onednn"}});

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
  /// Also prepares logits_and_input_gradient(), by the same rules.
  bool gradients = false;
  std::optional<Tuning> gradient_tuning = Tuning::plain;  ///< never with oneDNN fusion
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
  at::ScalarType type() const override;
  at::Tensor logits(const at::Tensor& batch) override;
  /// Needs TorchScriptOptions::gradients.
  LogitsAndGradient logits_and_input_gradient(const at::Tensor& batch, const at::Tensor& classes) override;

  Tuning tuning() const { return forward_.tuning; }
  /// The gradients' own; empty without them.
  std::optional<Tuning> gradient_tuning() const;

  struct Measurement {
    Tuning tuning;
    double milliseconds = 0;  ///< per image; 0 where it failed
    bool usable = false;      ///< it ran, and agreed with the plain module
  };
  /// What the choices of tuning rest on; empty where they were given.
  const std::vector<Measurement>& measurements() const { return forward_.measurements; }
  const std::vector<Measurement>& gradient_measurements() const { return gradient_.measurements; }

 private:
  struct Module;  // keeps TorchScript's headers out of this one

  /// A module for one purpose, and how it was chosen.
  struct Prepared {
    std::unique_ptr<Module> module;
    Tuning tuning = Tuning::plain;
    std::vector<Measurement> measurements;
  };
  /// What a module is prepared for.
  struct Use {
    /// Runs it on a fixed batch; gives what modules must agree on, on the CPU.
    std::function<at::Tensor(Module&)> answer;
    /// Whether an answer is the plain module's, but for float noise.
    bool (*agree)(const at::Tensor& answer, const at::Tensor& plain, double tolerance);
    double tolerance;
  };

  at::Tensor call(Module& module, const at::Tensor& batch) const;
  at::Tensor forward(Module& module, const at::Tensor& batch) const;
  LogitsAndGradient backward(Module& module, const at::Tensor& batch, const at::Tensor& classes) const;
  template <class Run>
  auto guarded(const at::Tensor& batch, Run run) const;
  void probe(Module& plain) const;
  std::unique_ptr<Module> prepare(const Module& plain, Tuning tuning, const Use& use) const;
  static void warm_up(const Use& use, Module& module);
  Prepared tune(const Module& plain, const std::vector<Tuning>& candidates, const Use& use) const;

  std::filesystem::path path_;
  ModelCard card_;
  TorchScriptOptions options_;
  Prepared forward_;
  Prepared gradient_;
};

}  // namespace xai
