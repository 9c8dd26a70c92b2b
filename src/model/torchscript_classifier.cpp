#include "xai/model/torchscript_classifier.hpp"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/jit/codegen/onednn/interface.h>

#include <limits>

#include "torchscript.hpp"
#include "xai/core/error.hpp"
#include "xai/core/log.hpp"
#include "xai/core/stopwatch.hpp"

namespace xai {
namespace {

constexpr double tuning_seconds =
    8;  // no further candidates after that: for models that take seconds a batch

/// Rows that go back through a model at once on a CPU. Larger matrices are multiplied by other kernels, which
/// would make gradients, and so maps, depend on the size of the batch.
constexpr std::int64_t backward_rows = 8;

void set_precision(Precision precision) {
  at::globalContext().setAllowTF32CuBLAS(precision == Precision::tf32);
  at::globalContext().setAllowTF32CuDNN(precision == Precision::tf32);
}

/// Of weights and activations.
at::ScalarType type_of(Precision precision) {
  switch (precision) {
    case Precision::bf16:
      return at::kBFloat16;
    case Precision::fp64:
      return at::kDouble;
    default:
      return at::kFloat;
  }
}

bool is_exact(Precision precision) {
  return precision == Precision::fp32 || precision == Precision::fp64;
}

std::vector<Tuning> forward_candidates(const TorchScriptOptions& options) {
  std::vector<Tuning> all{Tuning::plain, Tuning::frozen_channels_last};
  if (options.device.is_cpu() && options.precision == Precision::fp32)
    all.push_back(Tuning::frozen_channels_last_onednn);
  else
    all.push_back(Tuning::frozen);
  return all;
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

bool probabilities_agree(const at::Tensor& a, const at::Tensor& b, double tolerance) {
  return largest_difference(a, b) < tolerance;
}

/// By their norms: at the kinks of its activations (ReLU) a network's gradient jumps, so float noise changes
/// single pixels by as much as 1 % (EfficientNet-Lite0 as exported differs from itself in double precision by
/// 0.13 % of the norm).
bool gradients_agree(const at::Tensor& a, const at::Tensor& b, double tolerance) {
  return (a - b).norm().item<double>() <= tolerance * b.norm().item<double>();
}

}  // namespace

struct TorchScriptClassifier::Module {
  torch::jit::Module script;
  bool channels_last = false;
};

void TorchScriptClassifier::warm_up(const Use& use, Module& module) {
  for (int run = 0; run < 2; ++run) use.answer(module);
}

at::Device parse_device(std::string_view name) {
  const bool cuda = at::hasCUDA() && at::getNumGPUs() > 0;
  if (name == "auto") return cuda ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  if (name == "cpu") return at::kCPU;
  const bool named_cuda =
      name == "cuda" || (name.starts_with("cuda:") && name.size() > 5 &&
                         name.find_first_not_of("0123456789", 5) == std::string_view::npos);
  require(named_cuda, "--device ", name, " is none of auto, cpu, cuda, cuda:N");
  require(cuda, "--device ", name, ": no CUDA device is visible here; use --device cpu or auto");
  const std::size_t index = name == "cuda" ? 0 : std::stoul(std::string(name.substr(5)));
  require(index < at::getNumGPUs(), "--device ", name, ": only ", at::getNumGPUs(),
          " CUDA devices are visible here, numbered from 0");
  return {at::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) || dynamic_cast<const c10::OutOfMemoryError*>(&error))
    return true;
  // TorchScript rethrows what the allocators throw as plain runtime errors
  const std::string_view text = error.what();
  return text.find("out of memory") != text.npos || text.find("can't allocate memory") != text.npos;
}

TorchScriptClassifier::TorchScriptClassifier(const std::filesystem::path& model,
                                             const TorchScriptOptions& options)
    : path_(model), card_(read_model_card(model)), options_(options) {
  set_precision(options.precision);

  Module plain{load_torchscript(model, card_.sha256, options.device)};
  if (const auto type = type_of(options.precision); type != at::kFloat) plain.script.to(type);
  probe(plain);

  const at::Tensor batch =
      at::randn({options_.batch_size, 3, card_.height, card_.width}, at::detail::createCPUGenerator(63))
          .to(options_.device);
  const bool exact = is_exact(options.precision);
  const auto set_up = [&](const std::optional<Tuning>& tuning, const std::vector<Tuning>& candidates,
                          const Use& use) {
    return tuning ? Prepared{prepare(plain, *tuning, use), *tuning, {}} : tune(plain, candidates, use);
  };
  forward_ = set_up(options.tuning, forward_candidates(options),
                    {[&](Module& module) { return forward(module, batch).softmax(1).cpu(); },
                     probabilities_agree, exact ? 1e-4 : 2e-2});
  if (!options.gradients) return;
  const at::Tensor classes = forward(*forward_.module, batch).argmax(1);
  gradient_ = set_up(options.gradient_tuning, {Tuning::plain, Tuning::frozen_channels_last},
                     {[&](Module& module) { return backward(module, batch, classes).gradient.cpu(); },
                      gradients_agree, exact ? 1e-2 : 2e-1});
}

TorchScriptClassifier::~TorchScriptClassifier() = default;

std::optional<Tuning> TorchScriptClassifier::gradient_tuning() const {
  return gradient_.module ? std::optional(gradient_.tuning) : std::nullopt;
}

template <class Run>
auto TorchScriptClassifier::guarded(const at::Tensor& batch, Run run) const {
  try {
    return run();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    if (is_out_of_memory(error)) throw;
    throw ModelError(cat("model ", path_.string(), " failed on a batch of ", batch.size(0), ": ",
                         torchscript_reason(error)));
  }
}

at::ScalarType TorchScriptClassifier::type() const {
  return options_.precision == Precision::fp64 ? at::kDouble : at::kFloat;
}

at::Tensor TorchScriptClassifier::logits(const at::Tensor& batch) {
  return guarded(batch, [&] { return forward(*forward_.module, batch); });
}

LogitsAndGradient TorchScriptClassifier::logits_and_input_gradient(const at::Tensor& batch,
                                                                   const at::Tensor& classes) {
  require<ModelError>(gradient_.module != nullptr, "model ", path_.string(), " was loaded without gradients");
  return guarded(batch, [&] { return backward(*gradient_.module, batch, classes); });
}

at::Tensor TorchScriptClassifier::call(Module& module, const at::Tensor& batch) const {
  const auto format = module.channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  const auto output = module.script.forward({batch.to(type_of(options_.precision)).contiguous(format)});
  require<ModelError>(output.isTensor(), "model ", path_.string(), " gives a ", output.tagKind(),
                      " instead of one tensor of logits; wrap it so that it returns N x K logits");
  return output.toTensor().to(type());
}

at::Tensor TorchScriptClassifier::forward(Module& module, const at::Tensor& batch) const {
  const c10::InferenceMode no_gradients;
  return call(module, batch);
}

LogitsAndGradient TorchScriptClassifier::backward(Module& module, const at::Tensor& batch,
                                                  const at::Tensor& classes) const {
  if (batch.size(0) == 1) {  // torch 2.11: batch norm's backward on a CPU is wrong for a batch of one
    const auto two = backward(module, batch.expand({2, -1, -1, -1}), classes.expand({2}));
    return {two.logits.slice(0, 0, 1), two.gradient.slice(0, 0, 1)};
  }
  if (device().is_cpu() && batch.size(0) > backward_rows) {
    std::vector<at::Tensor> logits, gradients;
    for (std::int64_t i = 0; i < batch.size(0); i += backward_rows) {
      auto some =
          backward(module, batch.slice(0, i, i + backward_rows), classes.slice(0, i, i + backward_rows));
      logits.push_back(std::move(some.logits));
      gradients.push_back(std::move(some.gradient));
    }
    return {at::cat(logits), at::cat(gradients)};
  }
  const c10::InferenceMode inference_off(false);
  const at::AutoGradMode gradients_on(true);
  const at::Tensor input = batch.clone(at::MemoryFormat::Contiguous).requires_grad_();  // no inference tensor
  const at::Tensor logits = call(module, input);
  const at::Tensor p = logits.softmax(1).gather(1, classes.clone().unsqueeze(1)).sum();
  const at::Tensor gradient = torch::autograd::grad({p}, {input}).front();
  return {logits.detach(), gradient};
}

void TorchScriptClassifier::probe(Module& plain) const {
  const auto fail = [&](const auto&... what) {
    throw ModelError(cat("model ", path_.string(), " ", what...));
  };
  at::Tensor images =
      at::randn({3, 3, card_.height, card_.width}, at::detail::createCPUGenerator(63)).to(options_.device);
  std::vector<at::Tensor> answers;
  for (const std::int64_t count : {1, 2, 3}) {
    at::Tensor logits;
    try {
      logits = forward(plain, images.slice(0, 0, count));
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      if (is_out_of_memory(error)) fail("does not fit into memory: ", torchscript_reason(error));
      fail("fails on a batch of ", count, " (does the card's size of ", card_.height, " x ", card_.width,
           " pixels fit it? was the batch size baked in at export?): ", torchscript_reason(error));
    }
    if (logits.dim() != 2 || logits.size(0) != count)
      fail("gives an output of shape ", logits.sizes(), " for ", count, " images, not ", count,
           " x K logits; was the batch size baked in at export?");
    if (logits.size(1) != card_.classes)
      fail("has K = ", logits.size(1), " classes, its card says ", card_.classes);
    if (!at::isfinite(logits).all().item<bool>()) fail("gives logits that are not finite (NaN or infinity)");
    answers.push_back(logits);
  }
  const at::Tensor& all = answers.back();
  if (all.ge(0).all().item<bool>() && all.sum(1).sub(1).abs().max().item<double>() < 1e-3)
    fail("gives probabilities (rows sum to 1) where logits are needed; export it without its softmax");
  const double tolerance =
      (is_exact(options_.precision) ? 1e-3 : 1e-1) * (1 + all.abs().max().item<double>());
  for (const at::Tensor& some : answers)
    if (largest_difference(some, all.slice(0, 0, some.size(0))) > tolerance)
      fail("answers differently for an image alone and in a batch; was the batch size baked in at export?");
}

std::unique_ptr<TorchScriptClassifier::Module> TorchScriptClassifier::prepare(const Module& plain,
                                                                              Tuning tuning,
                                                                              const Use& use) const {
  auto module = std::make_unique<Module>();
  module->script = plain.script.clone();
  if (tuning == Tuning::plain) return module;
  module->channels_last = tuning != Tuning::frozen;
  // fusion is a process-wide switch that is read when a graph is optimised: on its first runs
  const bool before =
      torch::jit::RegisterLlgaFuseGraph::setEnabled(tuning == Tuning::frozen_channels_last_onednn);
  try {
    module->script = torch::jit::freeze(module->script);
    warm_up(use, *module);
  } catch (...) {
    torch::jit::RegisterLlgaFuseGraph::setEnabled(before);
    throw;
  }
  torch::jit::RegisterLlgaFuseGraph::setEnabled(before);
  return module;
}

TorchScriptClassifier::Prepared TorchScriptClassifier::tune(const Module& plain,
                                                            const std::vector<Tuning>& candidates,
                                                            const Use& use) const {
  const Stopwatch tuning_time;
  Prepared best;
  double best_time = 0;
  at::Tensor expected;  // the plain module's answer
  for (const Tuning tuning : candidates) {
    if (best.module && tuning_time.seconds() > tuning_seconds) break;
    Measurement measurement{tuning};
    try {
      auto module = prepare(plain, tuning, use);
      if (tuning == Tuning::plain) warm_up(use, *module);
      double fastest = std::numeric_limits<double>::infinity();
      at::Tensor answer;
      for (int repeat = 0; repeat < 2; ++repeat) {
        const Stopwatch time;
        answer = use.answer(*module);
        fastest = std::min(fastest, time.seconds());
      }
      if (tuning == Tuning::plain) expected = answer;
      measurement.usable = use.agree(answer, expected, use.tolerance);
      measurement.milliseconds = 1e3 * fastest / options_.batch_size;
      if (measurement.usable && (!best.module || fastest < best_time)) {
        best_time = fastest;
        best.tuning = tuning;
        best.module = std::move(module);
      }
    } catch (const std::exception& error) {
      if (tuning == Tuning::plain) throw;
      log::debug("tuning ", name(tuning), " does not work for ", path_.string(), ": ",
                 torchscript_reason(error));
    }
    best.measurements.push_back(measurement);
  }
  return best;
}

}  // namespace xai
