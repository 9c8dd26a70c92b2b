#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "xai/core/names.hpp"
#include "xai/model/classifier.hpp"

namespace xai {

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

/// A classifier from a TorchScript file and its card.
class TorchScriptClassifier : public Classifier {
 public:
  /// Loads card.model and probes it: file hash equals the card's, as many finite numbers of the card's kind
  /// as it says, and batches of 1, 2 and 3 agree row by row. A batch size that is too much for the memory or
  /// the model is halved. For features, also the two parts that card.gradcam names. Throws ModelError naming
  /// the file, what is wrong and what to do.
  TorchScriptClassifier(ModelCard card, ClassifierOptions options);
  ~TorchScriptClassifier() override;

  const ModelCard& card() const override { return card_; }
  at::Device device() const override { return options_.device; }
  at::ScalarType type() const override;
  Link link() const override { return link_; }
  int most_rows() const override { return options_.batch_size; }
  at::Tensor logits(const at::Tensor& batch) override;
  /// Needs ClassifierOptions::gradients.
  LogitsAndGradient logits_and_input_gradient(const at::Tensor& batch, const at::Tensor& classes) override;
  /// Needs ClassifierOptions::features. In float32, whatever the precision.
  Features features(const at::Tensor& batch, const at::Tensor& classes) override;
  /// mode ("fast": measured or from an earlier session, "off"), device, choice and measured of logits(), and
  /// gradient_choice and gradient_measured where gradients are wanted.
  Json tuning() const override;

 private:
  struct Module;  // keeps TorchScript's headers out of this one
  struct Parts;

  struct Measurement {
    Tuning tuning;
    double milliseconds = 0;  // an image; 0 where it failed
    bool usable = false;      // it ran, and agreed with the plain module
  };
  /// A module for one purpose, and how it was chosen.
  struct Prepared {
    std::unique_ptr<Module> module;
    Tuning tuning = Tuning::plain;
    std::vector<Measurement> measurements;
  };
  /// What a module is prepared for.
  struct Use {
    const char* name;
    const char* key;  // of its choice in tuning()
    std::vector<Tuning> candidates;
    /// Runs it on a fixed batch; gives what modules must agree on, on the CPU.
    std::function<at::Tensor(Module&)> answer;
    /// Whether an answer is the plain module's, but for float noise.
    bool (*agree)(const at::Tensor& answer, const at::Tensor& plain, double tolerance);
    double tolerance;
  };

  void load_parts();
  at::Tensor raw(Module& module, const at::Tensor& batch) const;
  at::Tensor of_classes(const at::Tensor& outputs) const;
  at::Tensor call(Module& module, const at::Tensor& batch) const;
  at::Tensor forward(Module& module, const at::Tensor& batch) const;
  LogitsAndGradient backward(Module& module, const at::Tensor& batch, const at::Tensor& classes) const;
  Features features_of(const at::Tensor& batch, const at::Tensor& classes) const;
  template <class Run>
  auto guarded(const at::Tensor& batch, Run run) const;
  void set_up(const Module& plain);
  void set_up(const Module& plain, const at::Tensor& batch);
  std::optional<Tuning> chosen(const Use& use) const;
  Prepared set_up(const Module& plain, const Use& use) const;
  std::unique_ptr<Module> prepare(const Module& plain, Tuning tuning, const Use& use) const;
  static void warm_up(Module& module, const Use& use);
  Measurement measure(Module& module, Tuning tuning, const Use& use, at::Tensor& expected) const;
  Prepared tune(const Module& plain, const Use& use) const;
  static Json to_json(const std::vector<Measurement>& measurements);

  ModelCard card_;
  ClassifierOptions options_;  // batch_size: what it takes
  Link link_ = Link::softmax;
  Prepared forward_;
  Prepared gradient_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace xai
