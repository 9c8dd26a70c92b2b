#include "xai/run/options.hpp"

#include <charconv>
#include <cstdlib>

namespace xai {
namespace {

/// Where an array of jobs or its like puts a task's number.
struct IndexVariable {
  std::string name;
  const char* option;  ///< that asks for it
};

/// Empty where the options ask for none.
std::optional<IndexVariable> index_variable(const ShardOptions& options) {
  if (options.shard_from_slurm) return IndexVariable{"SLURM_ARRAY_TASK_ID", "shard_from_slurm"};
  if (!options.shard_from_env.empty()) return IndexVariable{options.shard_from_env, "shard_from_env"};
  return std::nullopt;
}

long number_of(const IndexVariable& variable) {
  const char* const value = std::getenv(variable.name.c_str());
  require(value != nullptr, "'", variable.option, "': the environment has no ", variable.name,
          "; run this as a task of an array, or give 'shard_index'");
  const std::string text = value;
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  require(error == std::errc() && end == text.data() + text.size(), "'", variable.option,
          "': ", variable.name, " is \"", text, "\", and no whole number");
  return number;
}

}  // namespace

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
  describe(table, options.share);
  table.add("max_pixels", options.max_pixels, "Images with more pixels are errors")
      .at_least(1)
      .with_effect(Effect::records);
  table
      .add("expect_sha256", options.expect_sha256,
           "Refuse a model whose file has another SHA-256; repeatable, one for each model")
      .with_effect(Effect::none);
}

void describe(OptionTable& table, ShardOptions& options) {
  // the shard is compared, and not where its index comes from
  table
      .add("num_shards", options.num_shards,
           "Take every N-th image, so that N runs share the data set; xai-merge makes one of them")
      .from_to(1, 1e6)
      .with_effect(Effect::none);
  table.add("shard_index", options.shard_index, "The first image taken, from 0 to N-1")
      .from_to(-1, 1e6)
      .with_effect(Effect::none);
  table
      .add("shard_from_slurm", options.shard_from_slurm,
           "The shard's index is SLURM_ARRAY_TASK_ID, of a task of a job array")
      .with_effect(Effect::none);
  table
      .add("shard_from_env", options.shard_from_env,
           "The shard's index is in this environment variable, as JOB_COMPLETION_INDEX (Kubernetes)")
      .with_effect(Effect::none);
  table
      .add("shard_offset", options.shard_offset,
           "Added to the index from the environment: -1 where it counts from 1")
      .from_to(-1e6, 1e6)
      .with_effect(Effect::none);
}

Shard ShardOptions::shard() const {
  const auto variable = index_variable(*this);
  require(!shard_from_slurm || shard_from_env.empty(),
          "'shard_from_slurm' and 'shard_from_env' both say where the shard's index is: leave one out");
  require(num_shards > 1 || !(variable || shard_index > 0), variable ? "'" : "'shard_index' ",
          variable ? cat(variable->option, "'") : std::to_string(shard_index),
          " needs 'num_shards', the number of all shards");
  require(variable || shard_offset == 0,
          "'shard_offset' is added to an index from the environment: give "
          "'shard_from_slurm' or 'shard_from_env', too");
  if (num_shards == 1) return {};
  require(shard_from_env != "PARALLEL_JOBSLOT",
          "'shard_from_env': PARALLEL_JOBSLOT names a slot, which many "
          "jobs use one after the other; give PARALLEL_SEQ, and 'shard_offset' -1");
  require(variable || shard_index >= 0, "'num_shards' ", num_shards,
          " needs 'shard_index', 'shard_from_slurm' or 'shard_from_env'");
  const bool given = shard_index >= 0;
  const long index = given ? shard_index : number_of(*variable) + shard_offset;
  require(index >= 0 && index < num_shards, "the shard's index ", index,
          given ? "" : cat(" (", variable->name, " and 'shard_offset')"), " is not from 0 to ",
          num_shards - 1, ", as 'num_shards' ", num_shards, " asks");
  return {num_shards, index};
}

void require_expected(const InputOptions& options, std::span<const ModelCard> cards) {
  const auto& expected = options.expect_sha256;
  if (expected.empty()) return;
  require(expected.size() == cards.size(), "'expect_sha256' has ", expected.size(), " hashes for ",
          cards.size(), cards.size() == 1 ? " model" : " models");
  for (std::size_t i = 0; i < cards.size(); ++i)
    require(expected[i] == cards[i].sha256, cards[i].model.string(), " has the SHA-256 ", cards[i].sha256,
            ", and not ", expected[i], ", as 'expect_sha256' says: it is another model");
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
  table
      .add("tuning", options.tuning,
           "File with the way to run each model, which runs share: read where it is there, else made")
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
