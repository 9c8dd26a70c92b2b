#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "xai/core/option_table.hpp"
#include "xai/core/patch_grid.hpp"
#include "xai/data/data_set.hpp"
#include "xai/model/device.hpp"
#include "xai/model/model_card.hpp"
#include "xai/perturb/perturbation.hpp"

namespace xai {

// Options that mean the same in every run. Each struct holds the defaults; its describe() is its table: keys,
// help, ranges, and what a change of a value changes.

/// A share of a data set: every count-th of its photographs, from `index` on.
struct Shard {
  long count = 1;
  long index = 0;

  bool whole() const { return count == 1; }
  bool has(std::size_t place) const { return static_cast<long>(place) % count == index; }
  /// How many of so many photographs it has.
  std::size_t size_of(std::size_t photographs) const {
    const auto first = static_cast<std::size_t>(index), step = static_cast<std::size_t>(count);
    return photographs > first ? (photographs - first - 1) / step + 1 : 0;
  }
};

/// Which share of the data set is this run's. The index comes from one of three places; 'shard_index' goes
/// before the others.
struct ShardOptions {
  long num_shards = 1;
  long shard_index = -1;          ///< 0 .. num_shards-1; -1 = not given
  bool shard_from_slurm = false;  ///< SLURM_ARRAY_TASK_ID
  std::string shard_from_env;     ///< name of a variable; empty = none
  long shard_offset = 0;          ///< added to what the environment says

  /// Throws UsageError where the index is missing, no whole number or not from 0 to num_shards-1.
  Shard shard() const;
};

/// What is read.
struct InputOptions {
  std::filesystem::path model;  ///< NAME.pt, with its card NAME.json beside it
  DataSetOptions data;
  long max_pixels = 100'000'000;  ///< images with more are errors
  ShardOptions share;
  std::vector<std::string> expect_sha256;  ///< of the models' files, in their order; empty: any
};

/// Throws UsageError where 'expect_sha256' is given and says other hashes than the models' cards.
void require_expected(const InputOptions& options, std::span<const ModelCard> cards);

void describe(OptionTable& table, ShardOptions& options);
void describe(OptionTable& table, InputOptions& options);
/// Those about images, for runs of several models.
void describe_images(OptionTable& table, InputOptions& options);

/// Whose probability is explained: that of the model's prediction, of its runner-up ("why not the other?"),
/// of the data set's label, or of one and the same class for all images.
enum class Target { predicted, second, label, one_class };
template <>
inline constexpr auto names_of<Target> = std::to_array<Named<Target>>({{Target::predicted, "predicted"},
                                                                       {Target::second, "second"},
                                                                       {Target::label, "label"}});

/// What TargetOptions::target means for a model.
struct ChosenTarget {
  Target target = Target::predicted;
  int index = -1;  ///< of Target::one_class
};

/// What is explained of an image, and of which images.
struct TargetOptions {
  /// "predicted", "second", "label", or one class of the model, as a label means it (open_data_set()).
  std::string target = "predicted";
  bool only_correct = false;   ///< leave out images that the model gets wrong
  double min_probability = 0;  ///< leave out images whose target class has less

  /// Throws UsageError, naming what is close, where the model has no such class.
  ChosenTarget choose(const ModelCard& card) const;
  /// Throws UsageError where labels are needed and `data` has none.
  void check(const DataSet& data) const;
};

void describe(OptionTable& table, TargetOptions& options);

/// How images are hidden (SPEC 3).
struct PerturbationOptions {
  Baseline baseline = Baseline::blur;
  MaskKind mask = MaskKind::soft;
};

void describe(OptionTable& table, PerturbationOptions& options);

/// Whether ways to run a model are measured at its first start, and the fastest is taken.
enum class Tune { off, fast };
template <>
inline constexpr auto names_of<Tune> = std::to_array<Named<Tune>>({{Tune::off, "off"}, {Tune::fast, "fast"}});

/// On what, and how fast.
struct ComputeOptions {
  std::string device = "auto";
  Precision precision = Precision::fp32;
  std::string batch_size = "auto";  ///< or a number
  Tune tune = Tune::fast;
  std::filesystem::path tuning;  ///< file of choices that runs share: read, and made where there is none
  int threads = 0;               ///< CPU lanes; 0 = all cores
  int images_in_flight = 0;      ///< 0 = enough to fill batches
  std::vector<std::filesystem::path> library;  ///< of operators that a model needs beside LibTorch's
};

void describe(OptionTable& table, ComputeOptions& options);

/// Where results go.
struct OutputOptions {
  std::filesystem::path out;  ///< the run folder
  bool overwrite = false;
  bool dry_run = false;  ///< write nothing: RunResult::plan says what the run would do
  std::uint64_t seed = 0;
  std::vector<std::string> command;  ///< for run.json, where a program has one; no option
};

void describe(OptionTable& table, OutputOptions& options);

/// What every run of one model over the images of a data set is asked.
struct ImageRunOptions {
  InputOptions input;
  TargetOptions target;
  PerturbationOptions perturbation;
  ComputeOptions compute;
  OutputOptions output;
  std::filesystem::path preprocess_dump;  ///< where to write what the model is shown; empty = nowhere
};

/// What is read, explained and hidden: the groups that stand before an analysis' own.
void describe_subject(OptionTable& table, ImageRunOptions& options);
/// On what, and where to: the groups that stand behind it. The last one, "Output", may be added to.
void describe_means(OptionTable& table, ImageRunOptions& options);

/// The values of an options struct that has a describe().
struct OptionValues {
  Json all;       ///< of every option that applies
  Json identity;  ///< of those that can change a record
  Json meaning;   ///< of those that change what the numbers mean
};

/// Throws UsageError naming the first option that is out of its range, its value and the bound.
template <class Options>
OptionValues values_of(Options options) {
  OptionTable table;
  describe(table, options);
  table.validate();
  return {table.values(), table.values(Effect::records), table.values(Effect::meaning)};
}

/// Throws UsageError "'key' is needed: what" if `path` is empty.
void require_path(const std::filesystem::path& path, const char* key, const char* what);

/// Throws UsageError where the model, the data set or the run folder is not named.
void require_paths(const ImageRunOptions& options);

}  // namespace xai
