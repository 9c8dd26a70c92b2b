#include "xai/model/torchscript_classifier.hpp"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/jit/codegen/onednn/interface.h>

#include <limits>

#include "probe.hpp"
#include "torchscript.hpp"
#include "xai/core/error.hpp"
#include "xai/core/log.hpp"
#include "xai/core/memory.hpp"
#include "xai/core/stopwatch.hpp"

namespace xai {
namespace {

constexpr double tuning_seconds =
    8;  // no further candidates after that: for models that take seconds a batch

std::string device_kind(const at::Device& device) {
  return c10::DeviceTypeName(device.type(), /*lower_case=*/true);
}

/// Rows that go back through a model at once on a CPU: always as many, because matrices of another size are
/// multiplied by other kernels, which would make gradients, and so maps, depend on the size of the batch.
/// More than one, because batch norm's backward is wrong for a batch of one (torch 2.11).
constexpr std::int64_t backward_rows = 4;

/// What run(batch, classes), a pair of tensors with a row for each of the batch's, says of batches of a size
/// that can go back through a model.
template <class Run>
auto in_backward_batches(const at::Tensor& batch, const at::Tensor& classes, Run run)
    -> decltype(run(batch, classes)) {
  const std::int64_t rows = batch.size(0);
  if (batch.device().is_cuda()) return run(batch, classes);
  std::vector<at::Tensor> as, bs;
  for (std::int64_t i = 0; i < rows; i += backward_rows) {
    const at::Tensor some = at::arange(i, i + backward_rows).clamp_max(rows - 1);  // the last one fills up
    const auto [a, b] = run(batch.index_select(0, some), classes.index_select(0, some));
    as.push_back(a);
    bs.push_back(b);
  }
  return {at::cat(as).slice(0, 0, rows), at::cat(bs).slice(0, 0, rows)};
}

std::vector<Tuning> forward_candidates(const ClassifierOptions& options) {
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

/// The model cut behind its last feature map.
struct TorchScriptClassifier::Parts {
  torch::jit::Module features;
  torch::jit::Module head;
};

TorchScriptClassifier::TorchScriptClassifier(ModelCard card, ClassifierOptions options)
    : card_(std::move(card)), options_(std::move(options)) {
  set_precision(options_.precision);
  if (options_.features) load_parts();

  Module plain{load_torchscript(card_.model, card_.sha256, options_.device, options_.precision)};
  link_ = probe(card_, options_, [&](const at::Tensor& images) {
    const c10::InferenceMode no_gradients;
    return raw(plain, images);
  });
  set_up(plain);
}

/// Chooses the modules for logits and for gradients.
void TorchScriptClassifier::set_up(const Module& plain, const at::Tensor& batch) {
  const bool exact = is_exact(options_.precision);
  forward_ = set_up(plain, {.name = "logits",
                            .key = "choice",
                            .candidates = forward_candidates(options_),
                            .answer = [&](Module& m) { return probabilities(forward(m, batch)).cpu(); },
                            .agree = probabilities_agree,
                            .tolerance = exact ? 1e-4 : 2e-2});
  if (!options_.gradients) return;
  const at::Tensor classes = forward(*forward_.module, batch).argmax(1);
  gradient_ = set_up(plain, {.name = "gradients",
                             .key = "gradient_choice",
                             .candidates = {Tuning::plain, Tuning::frozen_channels_last},
                             .answer = [&](Module& m) { return backward(m, batch, classes).gradient.cpu(); },
                             .agree = gradients_agree,
                             .tolerance = exact ? 1e-2 : 2e-1});
}

TorchScriptClassifier::~TorchScriptClassifier() = default;

void TorchScriptClassifier::load_parts() {
  require<ModelError>(
      card_.gradcam.has_value(), "model ", card_.name,
      " has no last feature map that its card knows of, so there is no Grad-CAM of it; use another "
      "'method', or export the model again with xai-export");
  const Precision of_floats = options_.precision == Precision::tf32 ? Precision::tf32 : Precision::fp32;
  const auto load = [&](const std::filesystem::path& file, const std::string& sha256) {
    return load_torchscript(file, sha256, device(), of_floats);
  };
  const GradCamFiles& files = *card_.gradcam;
  parts_ = std::make_unique<Parts>(
      Parts{load(files.features, files.features_sha256), load(files.head, files.head_sha256)});
}

Json TorchScriptClassifier::tuning() const {
  Json record = {{"mode", options_.tune ? "fast" : "off"},
                 {"device", device_kind(device())},
                 {"choice", name(forward_.tuning)},
                 {"measured", to_json(forward_.measurements)}};
  if (gradient_.module) {
    record["gradient_choice"] = name(gradient_.tuning);
    record["gradient_measured"] = to_json(gradient_.measurements);
  }
  return record;
}

Json TorchScriptClassifier::to_json(const std::vector<Measurement>& measurements) {
  Json measured = Json::array();
  for (const Measurement& m : measurements)
    measured.push_back(
        {{"tuning", name(m.tuning)}, {"milliseconds", number_or_null(m.milliseconds)}, {"usable", m.usable}});
  return measured;
}

template <class Run>
auto TorchScriptClassifier::guarded(const at::Tensor& batch, Run run) const {
  try {
    return run();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    if (is_out_of_memory(error)) throw;
    throw ModelError(cat("model ", card_.model.string(), " failed on a batch of ", batch.size(0), ": ",
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
  require<ModelError>(gradient_.module != nullptr, "model ", card_.model.string(),
                      " was loaded without gradients");
  return guarded(batch, [&] { return backward(*gradient_.module, batch, classes); });
}

Features TorchScriptClassifier::features(const at::Tensor& batch, const at::Tensor& classes) {
  require<ModelError>(parts_ != nullptr, "model ", card_.model.string(),
                      " was loaded without its last feature map");
  return guarded(batch, [&] {
    return in_backward_batches(batch, classes, [this](const at::Tensor& rows, const at::Tensor& of) {
      return features_of(rows, of);
    });
  });
}

/// The model's own output, before anything is known of it.
at::Tensor TorchScriptClassifier::raw(Module& module, const at::Tensor& batch) const {
  const auto format = module.channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  const auto output = module.script.forward({batch.to(type_of(options_.precision)).contiguous(format)});
  require<ModelError>(output.isTensor(), "model ", card_.model.string(), " gives a ", output.tagKind(),
                      " instead of one tensor of logits; wrap it so that it returns N x K logits");
  return output.toTensor();
}

/// N x outputs to N x K: one output is its class's, and the complement stands before it.
at::Tensor TorchScriptClassifier::of_classes(const at::Tensor& outputs) const {
  if (card_.outputs > 1) return outputs;
  return at::cat({link_ == Link::none ? 1 - outputs : -outputs, outputs}, 1);
}

at::Tensor TorchScriptClassifier::call(Module& module, const at::Tensor& batch) const {
  return of_classes(raw(module, batch).to(type()));
}

at::Tensor TorchScriptClassifier::forward(Module& module, const at::Tensor& batch) const {
  const c10::InferenceMode no_gradients;
  return call(module, batch);
}

LogitsAndGradient TorchScriptClassifier::backward(Module& module, const at::Tensor& batch,
                                                  const at::Tensor& classes) const {
  return in_backward_batches(batch, classes, [&](const at::Tensor& rows, const at::Tensor& of) {
    const c10::InferenceMode inference_off(false);
    const at::AutoGradMode gradients_on(true);
    const at::Tensor input =
        rows.clone(at::MemoryFormat::Contiguous).requires_grad_();  // no inference tensor
    const at::Tensor logits = call(module, input);
    const at::Tensor p = probabilities(logits).gather(1, of.clone().unsqueeze(1)).sum();
    const at::Tensor gradient = torch::autograd::grad({p}, {input}).front();
    return LogitsAndGradient{logits.detach(), gradient};
  });
}

Features TorchScriptClassifier::features_of(const at::Tensor& batch, const at::Tensor& classes) const {
  const c10::InferenceMode inference_off(false);
  at::Tensor maps;
  {
    const at::NoGradGuard no_gradients;
    const at::Tensor input = batch.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true,
                                      at::MemoryFormat::Contiguous);  // no inference tensor
    maps = parts_->features.forward({input}).toTensor();
  }
  const at::AutoGradMode gradients_on(true);
  maps = maps.detach().requires_grad_();
  const at::Tensor logits = of_classes(parts_->head.forward({maps}).toTensor());
  const at::Tensor chosen = logits.gather(1, classes.clone().unsqueeze(1)).sum();
  return {maps.detach(), torch::autograd::grad({chosen}, {maps}).front()};
}

/// For batches of options_.batch_size images; of half as many, and so on, where those do not fit into memory
/// or the model does not take them.
void TorchScriptClassifier::set_up(const Module& plain) {
  int& size = options_.batch_size;
  const auto available = device().is_cpu() ? available_memory_bytes() : std::nullopt;
  std::optional<MemoryLimit> limit;
  if (available) limit.emplace(*available / options_.lanes);
  while (true) {
    try {
      const at::Tensor batch =
          at::randn({size, 3, card_.height, card_.width}, at::detail::createCPUGenerator(63)).to(device());
      set_up(plain, batch);
      if (forward_.measurements.empty()) forward(*forward_.module, batch);  // nothing has run on it yet
      if (gradient_.module && gradient_.measurements.empty())
        backward(*gradient_.module, batch, at::zeros({size}, at::device(device()).dtype(at::kLong)));
      return;
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      if (is_out_of_memory(error)) {
        size = halved_batch(size, device());
        continue;
      }
      const std::string reason = torchscript_reason(error);
      require<ModelError>(size > 1, "model ", card_.model.string(),
                          " fails on a batch of one image: ", reason);
      log::warning("model ", card_.model.string(), " fails on a batch of ", size, " (", reason,
                   "): going on with batches of ", size / 2);
      size /= 2;
    }
  }
}

/// TorchScript optimises a graph on its first runs.
void TorchScriptClassifier::warm_up(Module& module, const Use& use) {
  for (int run = 0; run < 2; ++run) use.answer(module);
}

/// The choice that was made before; nothing where it is to be made now.
std::optional<Tuning> TorchScriptClassifier::chosen(const Use& use) const {
  if (!options_.tune) return Tuning::plain;
  const Json& record = options_.tuning;
  if (!record.is_object() || record.value("device", "") != device_kind(device())) return {};
  return named<Tuning>(record.value(use.key, ""));
}

TorchScriptClassifier::Prepared TorchScriptClassifier::set_up(const Module& plain, const Use& use) const {
  if (const auto tuning = chosen(use)) return {prepare(plain, *tuning, use), *tuning, {}};
  Prepared prepared = tune(plain, use);
  for (const Measurement& m : prepared.measurements)
    log::debug("tuning of ", use.name, ", ", name(m.tuning), ": ", m.milliseconds, " ms an image",
               m.usable ? "" : " (not usable)");
  return prepared;
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
    warm_up(*module, use);
  } catch (...) {
    torch::jit::RegisterLlgaFuseGraph::setEnabled(before);
    throw;
  }
  torch::jit::RegisterLlgaFuseGraph::setEnabled(before);
  return module;
}

/// `expected`: the plain module's answer, which is measured first.
TorchScriptClassifier::Measurement TorchScriptClassifier::measure(Module& module, Tuning tuning,
                                                                  const Use& use,
                                                                  at::Tensor& expected) const {
  if (tuning == Tuning::plain) warm_up(module, use);
  double fastest = std::numeric_limits<double>::infinity();
  at::Tensor answer;
  for (int repeat = 0; repeat < 2; ++repeat) {
    const Stopwatch time;
    answer = use.answer(module);
    fastest = std::min(fastest, time.seconds());
  }
  if (tuning == Tuning::plain) expected = answer;
  return {tuning, 1e3 * fastest / options_.batch_size, use.agree(answer, expected, use.tolerance)};
}

TorchScriptClassifier::Prepared TorchScriptClassifier::tune(const Module& plain, const Use& use) const {
  const Stopwatch tuning_time;
  Prepared best;
  double best_time = 0;
  at::Tensor expected;
  for (const Tuning tuning : use.candidates) {
    if (best.module && tuning_time.seconds() > tuning_seconds) break;
    Measurement measurement{tuning};
    try {
      auto module = prepare(plain, tuning, use);
      measurement = measure(*module, tuning, use, expected);
      if (measurement.usable && (!best.module || measurement.milliseconds < best_time)) {
        best_time = measurement.milliseconds;
        best.tuning = tuning;
        best.module = std::move(module);
      }
    } catch (const std::exception& error) {
      if (tuning == Tuning::plain) throw;
      log::debug("tuning ", name(tuning), " does not work for ", card_.model.string(), ": ",
                 torchscript_reason(error));
    }
    best.measurements.push_back(measurement);
  }
  return best;
}

}  // namespace xai
