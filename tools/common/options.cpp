#include "common/options.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/version.h>
#include <unistd.h>

#include <charconv>
#include <opencv2/core/utility.hpp>
#include <thread>

#include "common/app.hpp"
#include "xai/core/error.hpp"
#include "xai/core/log.hpp"

namespace xai::tools {
namespace {

constexpr Tuning all_tunings[] = {Tuning::plain, Tuning::frozen, Tuning::frozen_channels_last,
                                  Tuning::frozen_channels_last_onednn};

std::optional<Tuning> tuning_of(const Json& record, const char* choice, const at::Device& on) {
  if (!record.is_object() ||
      record.value("device", "") != c10::DeviceTypeName(on.type(), /*lower_case=*/true))
    return {};
  for (const Tuning tuning : all_tunings)
    if (record.value(choice, "") == name(tuning)) return tuning;
  return {};
}

void log_measurements(const char* what, const std::vector<TorchScriptClassifier::Measurement>& all) {
  for (const auto& m : all)
    log::debug("tuning of ", what, ", ", name(m.tuning), ": ", m.milliseconds, " ms an image",
               m.usable ? "" : " (not usable)");
}

Json to_json(const std::vector<TorchScriptClassifier::Measurement>& all) {
  Json measured = Json::array();
  for (const auto& m : all)
    measured.push_back(
        {{"tuning", name(m.tuning)}, {"milliseconds", number_or_null(m.milliseconds)}, {"usable", m.usable}});
  return measured;
}

std::string host_name() {
  char text[256] = {};
  return gethostname(text, sizeof text - 1) == 0 ? text : "";
}

}  // namespace

void require_path(const std::filesystem::path& path, const char* flag, const char* what) {
  require(!path.empty(), flag, " is needed: ", what);
}

void InputOptions::add_to(CLI::App& app) {
  const auto group = "Input";
  app.add_option("--model", model, "TorchScript model NAME.pt with its card NAME.json beside it")
      ->group(group);
  add_images_to(app);
  app.add_option(
         "--preprocess-dump", preprocess_dump,
         "Also write what the model is shown of each image before normalisation (NPY, 3 x H x W) into this "
         "folder")
      ->group(group);
}

void InputOptions::add_images_to(CLI::App& app) {
  const auto group = "Input";
  app.add_option("--data", data.data,
                 "Folder of images (class folders or flat), a list or CSV file, or one image")
      ->group(group);
  app.add_option(
         "--labels", data.labels,
         "Labels: LOC_val_solution.csv, a path,label CSV or list, or the ILSVRC devkit's ground truth")
      ->group(group);
  app.add_option("--devkit-map", data.devkit_map,
                 "The devkit's class map (ILSVRC2012_ID, WNID), for its ground truth")
      ->group(group);
  app.add_option("--limit", data.limit, "Only the first N images, sorted by path; 0 = all")
      ->group(group)
      ->check(CLI::Range(0L, 1'000'000'000'000L))
      ->capture_default_str();
  app.add_option("--max-pixels", max_pixels, "Images with more pixels are errors")
      ->group(group)
      ->capture_default_str();
}

Json InputOptions::resolved() const {
  return {{"model", model.string()},
          {"data", data.data.string()},
          {"labels", data.labels.string()},
          {"devkit_map", data.devkit_map.string()},
          {"limit", data.limit},
          {"max_pixels", max_pixels},
          {"preprocess_dump", preprocess_dump.string()}};
}

std::string_view name(Target target) {
  return target == Target::predicted ? "predicted" : "label";
}

void TargetOptions::add_to(CLI::App& app) {
  const auto group = "Input";
  add_choice(app, "--target", target, {Target::predicted, Target::label},
             "The class explained: predicted or label")
      ->group(group);
  app.add_flag("--only-correct", only_correct, "Skip images that the model gets wrong (needs labels)")
      ->group(group);
  app.add_option("--min-probability", min_probability,
                 "Skip images whose target class has less than this probability")
      ->group(group)
      ->capture_default_str();
}

void TargetOptions::validate() const {
  require(min_probability >= 0 && min_probability <= 1, "--min-probability must be from 0 to 1, not ",
          min_probability);
}

void TargetOptions::check(const DataSet& data) const {
  require(data.labelled() || !only_correct, "--only-correct needs labels: class folders or --labels");
  require(data.labelled() || target != Target::label,
          "--target label needs labels: class folders or --labels");
}

void PerturbationOptions::add_to(CLI::App& app) {
  add_choice(app, "--baseline", baseline, {Baseline::blur, Baseline::black, Baseline::mean, Baseline::gray},
             "What hidden patches show: blur, black, mean (the card's) or gray")
      ->group("Perturbation");
  add_choice(app, "--mask", mask, {MaskKind::soft, MaskKind::hard},
             "Patch edges: soft (bilinear tents, as the paper) or hard (squares)")
      ->group("Perturbation");
}

void ComputeOptions::add_to(CLI::App& app) {
  const auto group = "Compute (does not change results beyond float noise, but for --precision)";
  app.add_option("--device", device, "auto (CUDA where there is one), cpu, cuda or cuda:N")
      ->group(group)
      ->capture_default_str();
  add_choice(app, "--precision", precision,
             {Precision::fp32, Precision::tf32, Precision::bf16, Precision::fp64},
             "Arithmetic of the model: fp32, tf32 (CUDA), bf16, or fp64 to see what float noise does")
      ->group(group);
  app.add_option("--batch-size", batch_size, "Images in a batch, or auto (8 on a CPU, 128 on CUDA)")
      ->group(group)
      ->capture_default_str();
  app.add_option("--tune", tune, "fast: measure at start how the model runs best; off: run it as exported")
      ->check(CLI::IsMember({"fast", "off"}))
      ->group(group)
      ->capture_default_str();
  app.add_option("--threads", threads, "CPU threads; 0 = all cores")->group(group)->capture_default_str();
  app.add_option("--images-in-flight", images_in_flight,
                 "Images analysed at once; 0 = enough to fill batches")
      ->group(group)
      ->capture_default_str();
}

Json ComputeOptions::resolved() const {
  return {{"device", device}, {"precision", name(precision)}, {"batch_size", batch_size},
          {"tune", tune},     {"threads", threads},           {"images_in_flight", images_in_flight}};
}

int ComputeOptions::resolved_batch_size(const at::Device& on) const {
  if (batch_size == "auto") return on.is_cuda() ? 128 : 8;
  int size = 0;
  const auto [end, error] = std::from_chars(batch_size.data(), batch_size.data() + batch_size.size(), size);
  require(error == std::errc() && end == batch_size.data() + batch_size.size() && size >= 1 && size <= 65536,
          "--batch-size must be auto or from 1 to 65536, not '", batch_size, "'");
  return size;
}

EngineOptions ComputeOptions::engine_options(EngineOptions options, const at::Device& on) const {
  require(threads >= 0, "--threads must be at least 0, not ", threads);
  require(images_in_flight >= 0, "--images-in-flight must be at least 0, not ", images_in_flight);
  options.batch_size = resolved_batch_size(on);
  options.lanes = on.is_cuda()  ? 2
                  : threads > 0 ? threads
                                : std::max(1U, std::thread::hardware_concurrency());
  options.images_in_flight =
      images_in_flight > 0 ? images_in_flight : std::max(8, options.lanes * options.batch_size / 4);
  return options;
}

std::unique_ptr<TorchScriptClassifier> ComputeOptions::open(const std::filesystem::path& model,
                                                            const Json& previous_tuning,
                                                            bool gradients) const {
  at::set_num_threads(1);  // the engine's lanes are the threads: no core waits for another inside a layer
  cv::setNumThreads(1);
  TorchScriptOptions options;
  options.device = parse_device(device);
  options.precision = precision;
  options.batch_size = resolved_batch_size(options.device);
  options.gradients = gradients;
  if (tune == "fast") {
    options.tuning = tuning_of(previous_tuning, "choice", options.device);
    options.gradient_tuning = tuning_of(previous_tuning, "gradient_choice", options.device);
  }
  auto classifier = std::make_unique<TorchScriptClassifier>(model, options);
  log_measurements("logits", classifier->measurements());
  log_measurements("gradients", classifier->gradient_measurements());
  log::info("model ", classifier->card().name, " on ", options.device, ", ", name(precision), ", batches of ",
            options.batch_size, ", ", name(classifier->tuning()));
  return classifier;
}

Json ComputeOptions::tuning_record(const TorchScriptClassifier& classifier) const {
  Json record = {{"mode", tune},
                 {"device", c10::DeviceTypeName(classifier.device().type(), /*lower_case=*/true)},
                 {"choice", name(classifier.tuning())},
                 {"measured", to_json(classifier.measurements())}};
  if (const auto tuning = classifier.gradient_tuning()) {
    record["gradient_choice"] = name(*tuning);
    record["gradient_measured"] = to_json(classifier.gradient_measurements());
  }
  return record;
}

Json ComputeOptions::platform_record(const at::Device& on) const {
  return {{"host", host_name()},
          {"libtorch", TORCH_VERSION},
          {"cuda", at::globalContext().hasCUDA()},
          {"device", on.str()}};
}

void OutputOptions::add_to(CLI::App& app) {
  app.add_option("--out", out, "Run folder; run again with the same one to go on")->group("Output");
  app.add_flag("--overwrite", overwrite, "Start anew, removing what an earlier run wrote there")
      ->group("Output");
  app.add_option("--seed", seed, "Seed of everything random")
      ->group("Output")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

Json OutputOptions::resolved() const {
  return {{"out", out.string()}, {"overwrite", overwrite}, {"seed", seed}};
}

}  // namespace xai::tools
