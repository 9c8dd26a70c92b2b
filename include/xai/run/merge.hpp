#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "xai/core/option_table.hpp"
#include "xai/run/observer.hpp"
#include "xai/run/result.hpp"

namespace xai {

/// Every option of merge_runs().
struct MergeOptions {
  std::filesystem::path out;                  ///< the folder of the whole run
  std::vector<std::filesystem::path> shards;  ///< run folders of its shards, in any order
  bool missing = false;                       ///< write nothing: say which shards are missing
  bool partial = false;                       ///< merge what is there
  bool overwrite = false;                     ///< replace a run that is no merge
  std::vector<std::string> command;           ///< for run.json; no option

  void validate() const;
};

void describe(OptionTable& table, MergeOptions& options);

struct MergeResult : RunResult {
  std::string missing;  ///< shards that are not there or not done: "3,7,12-15", as sbatch --array takes them
};

/// Makes one run of the runs of its shards (SPEC 9): the files of a run over all images, but for times and
/// for run.json's "merged". Files beside the records are linked, or copied where they cannot be. Throws
/// UsageError where shards are missing, doubled, written to, or unlike in model, data, options or tuning;
/// IoError where something cannot be written. Killed, it is run again.
MergeResult merge_runs(const MergeOptions& options, RunObserver& observer);

}  // namespace xai
