#include "xai/run/compute.hpp"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <algorithm>
#include <charconv>
#include <opencv2/core/utility.hpp>
#include <thread>

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

}  // namespace

OpenModel default_models() {
  return [](const ModelCard& card, const ClassifierOptions& options) {
    return std::shared_ptr<Classifier>(open_classifier(card, options));
  };
}

ComputePlan plan(const ComputeOptions& options) {
  validate_described(options);
  for (const std::filesystem::path& library : options.library) load_operators(library);
  ComputePlan plan;
  plan.device = parse_device(options.device);
  plan.precision = options.precision;
  plan.tune = options.tune == Tune::fast;
  plan.batch_size = batch_size_of(options.batch_size, plan.device);
  plan.lanes = plan.device.is_cuda() ? 2
               : options.threads > 0 ? options.threads
                                     : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
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
  return open(card, options);
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

}  // namespace xai
