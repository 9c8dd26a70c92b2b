#include "xai/run/compute.hpp"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <algorithm>
#include <charconv>
#include <opencv2/core/utility.hpp>

#include "tuning_file.hpp"
#include "xai/core/parallel.hpp"
#include "xai/store/run_info.hpp"

namespace xai {
namespace {

int batch_size_of(const std::string& text, const at::Device& device) {
  if (text == "auto") return device.is_cuda() ? 128 : 8;
  int size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  require(error == std::errc() && end == text.data() + text.size() && size >= 1 && size <= 65536,
          "'batch_size' must be auto or from 1 to 65536, not ", text);
  return size;
}

Json merged(Json all, const Json& newer) {
  all.update(newer);
  return all;
}

/// As the plan's file of tunings says.
std::shared_ptr<Classifier> open_as_others(const ModelCard& card, const ComputePlan& plan,
                                           const OpenModel& open, ClassifierOptions options) {
  const TuningFile file(plan.tuning);
  const Json earlier = options.tuning;
  Json known = file.of(card, plan.device, plan.precision);
  for (;;) {
    options.tuning = known.is_object() ? known : Json::object();
    if (earlier.is_object()) options.tuning.update(earlier);
    const Json choices = tuning_choices(known);  // items() only refers to it
    for (const auto& [use, choice] : choices.items())
      require(options.tuning.at(use) == choice, "'tuning' ", plan.tuning.string(), " runs ", card.name,
              " in another way (", use, " ", choice.get<std::string>(), ") than this run began with (",
              options.tuning.at(use).get<std::string>(), "): leave it out, or start anew with 'overwrite'");
    auto model = open(card, options);
    const Json tuning = model->tuning();
    if (tuning.is_null() || !plan.writes) return model;
    known = file.add(card, plan.device, plan.precision, tuning);
    // else another process was first; what this run has no use for, as of gradients, is no matter
    if (tuning_choices(known) == merged(tuning_choices(known), tuning_choices(tuning))) return model;
  }
}

}  // namespace

OpenModel default_models() {
  return [](const ModelCard& card, const ClassifierOptions& options) {
    return std::shared_ptr<Classifier>(open_classifier(card, options));
  };
}

ComputePlan plan(const ComputeOptions& options, bool writes) {
  validate_described(options);
  require(options.tuning.empty() || options.tune != Tune::off, "'tuning' ", options.tuning.string(),
          " needs 'tune' fast: with off every model is run as exported");
  for (const std::filesystem::path& library : options.library) load_operators(library);
  ComputePlan plan;
  plan.device = parse_device(options.device);
  plan.precision = options.precision;
  plan.tune = options.tune == Tune::fast;
  plan.tuning = options.tuning;
  plan.writes = writes;
  plan.batch_size = batch_size_of(options.batch_size, plan.device);
  plan.lanes = plan.device.is_cuda() ? 2 : options.threads > 0 ? options.threads : cores_allowed();
  plan.images_in_flight =
      options.images_in_flight > 0 ? options.images_in_flight : std::max(8, plan.lanes * plan.batch_size / 4);
  return plan;
}

std::shared_ptr<Classifier> open_model(const ModelCard& card, const ComputePlan& plan, const OpenModel& open,
                                       const Json& earlier_tuning, const ClassifierOptions& needs) {
  at::set_num_threads(1);
  cv::setNumThreads(1);
  ClassifierOptions options = needs;
  options.device = plan.device;
  options.precision = plan.precision;
  options.batch_size = plan.batch_size;
  options.lanes = plan.lanes;
  options.tune = plan.tune;
  options.tuning = earlier_tuning;
  return plan.tuning.empty() ? open(card, options) : open_as_others(card, plan, open, options);
}

EngineOptions engine_options(EngineOptions options, const ComputePlan& plan) {
  options.batch_size = plan.batch_size;
  options.lanes = plan.lanes;
  options.images_in_flight = plan.images_in_flight;
  return options;
}

Json platform_record(const ComputePlan& plan) {
  return {{"host", host_name()},
          {"libtorch", TORCH_VERSION},
          {"cuda", plan.device.is_cuda()},
          {"device", plan.device.str()},
          {"threads", plan.lanes},
          {"batch_size", plan.batch_size},
          {"images_in_flight", plan.images_in_flight}};
}

Json planned_platform(const ComputePlan& plan) {
  Json record = platform_record(plan);
  record["precision"] = name(plan.precision);
  return record;
}

}  // namespace xai
