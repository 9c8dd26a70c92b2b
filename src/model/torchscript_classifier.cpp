#include "xai/model/torchscript_classifier.hpp"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <torch/csrc/jit/codegen/onednn/interface.h>
#include <torch/script.h>

#include <limits>

#include "xai/core/error.hpp"
#include "xai/core/hash.hpp"
#include "xai/core/log.hpp"
#include "xai/core/stopwatch.hpp"

namespace xai {
namespace {

constexpr double tuning_seconds =
    8;  // no further candidates after that: for models that take seconds a batch

/// TorchScript prints its stack first and the reason in a line "RuntimeError: ..."; the rest is for
/// debugging.
std::string reason(const std::exception& error) {
  const std::string text = error.what();
  log::debug(text);
  constexpr std::string_view mark = "RuntimeError: ";
  const auto at = text.rfind(mark);
  const auto begin = at == std::string::npos ? 0 : at + mark.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

void set_precision(Precision precision) {
  at::globalContext().setAllowTF32CuBLAS(precision == Precision::tf32);
  at::globalContext().setAllowTF32CuDNN(precision == Precision::tf32);
}

std::vector<Tuning> candidates(const TorchScriptOptions& options) {
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

}  // namespace

struct TorchScriptClassifier::Module {
  torch::jit::Module script;
  bool channels_last = false;
};

std::string_view name(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return "fp32";
    case Precision::tf32:
      return "tf32";
    case Precision::bf16:
      return "bf16";
  }
  return "";
}

std::string_view name(Tuning tuning) {
  switch (tuning) {
    case Tuning::plain:
      return "plain";
    case Tuning::frozen:
      return "frozen";
    case Tuning::frozen_channels_last:
      return "frozen-channels-last";
    case Tuning::frozen_channels_last_onednn:
      return "frozen-channels-last-onednn";
  }
  return "";
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
  require<ModelError>(sha256_file(model) == card_.sha256, "model ", model.string(),
                      " is not the file its card describes (sha256 differs); export the model again with "
                      "scripts/export_models.py");
  set_precision(options.precision);

  auto plain = std::make_unique<Module>();
  try {
    plain->script = torch::jit::load(model.string(), options.device);
  } catch (const std::exception& error) {
    log::debug(error.what());
    throw ModelError(
        cat("model ", model.string(),
            " is not a TorchScript file (weights alone do not do); make one with scripts/export_models.py"));
  }
  plain->script.eval();
  if (options.precision == Precision::bf16) plain->script.to(at::kBFloat16);
  probe(*plain);

  if (options.tuning) {
    tuning_ = *options.tuning;
    module_ = tuning_ == Tuning::plain ? std::move(plain) : prepare(*plain, tuning_);
  } else {
    tune(std::move(plain));
  }
}

TorchScriptClassifier::~TorchScriptClassifier() = default;

at::Tensor TorchScriptClassifier::logits(const at::Tensor& batch) {
  try {
    return run(*module_, batch);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    if (is_out_of_memory(error)) throw;
    throw ModelError(
        cat("model ", path_.string(), " failed on a batch of ", batch.size(0), ": ", reason(error)));
  }
}

at::Tensor TorchScriptClassifier::run(Module& module, const at::Tensor& batch) const {
  const c10::InferenceMode no_gradients;
  const auto format = module.channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  const auto type = options_.precision == Precision::bf16 ? at::kBFloat16 : at::kFloat;
  const auto output = module.script.forward({batch.to(type).contiguous(format)});
  require<ModelError>(output.isTensor(), "model ", path_.string(), " gives a ", output.tagKind(),
                      " instead of one tensor of logits; wrap it so that it returns N x K logits");
  return output.toTensor().to(at::kFloat);
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
      logits = run(plain, images.slice(0, 0, count));
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      if (is_out_of_memory(error)) fail("does not fit into memory: ", reason(error));
      fail("fails on a batch of ", count, " (does the card's size of ", card_.height, " x ", card_.width,
           " pixels fit it? was the batch size baked in at export?): ", reason(error));
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
      (options_.precision == Precision::fp32 ? 1e-3 : 1e-1) * (1 + all.abs().max().item<double>());
  for (const at::Tensor& some : answers)
    if (largest_difference(some, all.slice(0, 0, some.size(0))) > tolerance)
      fail("answers differently for an image alone and in a batch; was the batch size baked in at export?");
}

std::unique_ptr<TorchScriptClassifier::Module> TorchScriptClassifier::prepare(const Module& plain,
                                                                              Tuning tuning) const {
  auto module = std::make_unique<Module>();
  module->channels_last = tuning != Tuning::plain && tuning != Tuning::frozen;
  // fusion is a process-wide switch that is read when a graph is optimised: on its first runs
  const bool before =
      torch::jit::RegisterLlgaFuseGraph::setEnabled(tuning == Tuning::frozen_channels_last_onednn);
  try {
    module->script = torch::jit::freeze(plain.script.clone());
    const at::Tensor batch =
        at::zeros({options_.batch_size, 3, card_.height, card_.width}, at::TensorOptions(options_.device));
    for (int warm_up = 0; warm_up < 2; ++warm_up) run(*module, batch);
  } catch (...) {
    torch::jit::RegisterLlgaFuseGraph::setEnabled(before);
    throw;
  }
  torch::jit::RegisterLlgaFuseGraph::setEnabled(before);
  return module;
}

void TorchScriptClassifier::tune(std::unique_ptr<Module> plain) {
  const Stopwatch tuning_time;
  const at::Tensor batch =
      at::randn({options_.batch_size, 3, card_.height, card_.width}, at::detail::createCPUGenerator(63))
          .to(options_.device);
  const double tolerance = options_.precision == Precision::fp32 ? 1e-4 : 2e-2;
  at::Tensor expected;  // the plain module's probabilities

  double best = 0;
  for (const Tuning tuning : candidates(options_)) {
    if (module_ && tuning_time.seconds() > tuning_seconds) break;
    Measurement measurement{tuning};
    try {
      auto module = tuning == Tuning::plain ? std::make_unique<Module>(*plain) : prepare(*plain, tuning);
      double fastest = std::numeric_limits<double>::infinity();
      at::Tensor probabilities;
      for (int repeat = 0; repeat < 2; ++repeat) {
        const Stopwatch time;
        probabilities = run(*module, batch).softmax(1).cpu();  // waits for the device
        fastest = std::min(fastest, time.seconds());
      }
      if (tuning == Tuning::plain) expected = probabilities;
      measurement.usable = largest_difference(probabilities, expected) < tolerance;
      measurement.milliseconds = 1e3 * fastest / options_.batch_size;
      if (measurement.usable && (!module_ || fastest < best)) {
        best = fastest;
        tuning_ = tuning;
        module_ = std::move(module);
      }
    } catch (const std::exception& error) {
      if (tuning == Tuning::plain) throw;
      log::debug("tuning ", name(tuning), " does not work for ", path_.string(), ": ", reason(error));
    }
    measurements_.push_back(measurement);
  }
}

}  // namespace xai
