#include "xai/run/options.hpp"

namespace xai {

void describe(OptionTable& table, InputOptions& options) {
  table.group("Input");
  table.add("model", options.model, "TorchScript model NAME.pt with its card NAME.json beside it")
      .with_effect(Effect::none);  // its hash is compared, and not its place
  describe_images(table, options);
}

void describe_images(OptionTable& table, InputOptions& options) {
  table.group("Input");
  // the images and labels are compared, and not where they are
  table
      .add("data", options.data.data,
           "Folder of images (class folders or flat), a tar of them, a list or CSV file, or one image")
      .with_effect(Effect::none);
  table
      .add(
          "labels", options.data.labels,
          "Labels: a table such as LOC_val_solution.csv or path,label, a list, or the ILSVRC devkit's ground "
          "truth")
      .with_effect(Effect::none);
  table
      .add("devkit_map", options.data.devkit_map,
           "The devkit's class map (ILSVRC2012_ID, WNID), for its ground truth")
      .with_effect(Effect::none);
  table
      .add("folders_by_rank", options.data.folders_by_rank,
           "Folders are classes 0, 1, ... in the order of their names")
      .with_effect(Effect::none);
  table.add("limit", options.data.limit, "Only the first N images, sorted by path; 0 = all")
      .from_to(0, 1e12)
      .with_effect(Effect::none);
  table.add("max_pixels", options.max_pixels, "Images with more pixels are errors")
      .at_least(1)
      .with_effect(Effect::records);
}

void describe(OptionTable& table, TargetOptions& options) {
  table.group("Input");
  table.add(
      "target", options.target,
      "The class explained: predicted, second (the runner-up: why not that one?), label, or one class by "
      "id, name or index");
  table.add("only_correct", options.only_correct, "Skip images that the model gets wrong (needs labels)");
  table
      .add("min_probability", options.min_probability,
           "Skip images whose target class has less than this probability")
      .from_to(0, 1);
}

ChosenTarget TargetOptions::choose(const ModelCard& card) const {
  if (const auto chosen = named<Target>(target)) return {*chosen};
  return {Target::one_class, class_of_text(target, card.class_list, card.classes, "'target'")};
}

void TargetOptions::check(const DataSet& data) const {
  require(data.labelled() || !only_correct, "'only_correct' needs labels: class folders or 'labels'");
  require(data.labelled() || target != name(Target::label),
          "'target' label needs labels: class folders or 'labels'");
}

void describe(OptionTable& table, PerturbationOptions& options) {
  table.group("Perturbation");
  table.add("baseline", options.baseline, "What hidden patches show: blur, black, mean (the card's) or gray");
  table.add("mask", options.mask, "Patch edges: soft (bilinear tents, as the paper) or hard (squares)");
}

void describe(OptionTable& table, ComputeOptions& options) {
  table.group("Compute (does not change results beyond float noise, but for the precision)");
  table.add("device", options.device, "auto (CUDA where there is one), cpu, cuda or cuda:N")
      .with_effect(Effect::none);
  table
      .add("precision", options.precision,
           "Arithmetic of the model: fp32, tf32 (CUDA), bf16, or fp64 to see what float noise does")
      .with_effect(Effect::records);
  table.add("batch_size", options.batch_size, "Images in a batch, or auto (8 on a CPU, 128 on CUDA)")
      .with_effect(Effect::none);
  table.add("tune", options.tune, "fast: measure a few ways to run the model at its start; off: as exported")
      .with_effect(Effect::none);
  table.add("threads", options.threads, "CPU cores to use; 0 = all").at_least(0).with_effect(Effect::none);
  table
      .add("images_in_flight", options.images_in_flight,
           "Images worked on at once; 0 = enough to fill batches")
      .at_least(0)
      .with_effect(Effect::none);
  table
      .add("library", options.library,
           "Library of operators that a model needs, as libtorchvision.so; repeatable")
      .with_effect(Effect::none);
}

void describe(OptionTable& table, OutputOptions& options) {
  table.group("Output");
  table.add("out", options.out, "Run folder; run again with the same one to go on").with_effect(Effect::none);
  table.add("overwrite", options.overwrite, "Start anew, removing what an earlier run wrote there")
      .with_effect(Effect::none);
  // of a run that writes nothing: no run.json has it
  table.group("Output", [&options] { return options.dry_run; });
  table
      .add("dry_run", options.dry_run,
           "Write nothing: check everything, measure speeds on a few photographs, and print what the run "
           "would do and "
           "cost")
      .with_effect(Effect::none)
      .not_in_config();
  table.group("Output");
  table.add("seed", options.seed, "Seed of everything random").at_least(0).with_effect(Effect::records);
}

void describe_subject(OptionTable& table, ImageRunOptions& options) {
  describe(table, options.input);
  describe(table, options.target);
  describe(table, options.perturbation);
}

void describe_means(OptionTable& table, ImageRunOptions& options) {
  describe(table, options.compute);
  describe(table, options.output);
  table
      .add("preprocess_dump", options.preprocess_dump,
           "Also write what the model is shown of each image before normalisation (NPY, 3 x H x W) into this "
           "folder")
      .with_effect(Effect::none);
}

void require_path(const std::filesystem::path& path, const char* key, const char* what) {
  require(!path.empty(), "'", key, "' is needed: ", what);
}

void require_paths(const ImageRunOptions& options) {
  require_path(options.input.model, "model", "a TorchScript file NAME.pt from xai-export");
  require_path(options.input.data.data, "data", "a folder or list of images");
  require_path(options.output.out, "out", "the folder to write results to");
}

}  // namespace xai
