#pragma once

#include <functional>
#include <string>
#include <vector>

#include "xai/core/stopwatch.hpp"
#include "xai/model/model_card.hpp"
#include "xai/run/compute.hpp"
#include "xai/run/observer.hpp"
#include "xai/run/options.hpp"
#include "xai/run/result.hpp"
#include "xai/store/run_folder.hpp"
#include "xai/store/run_info.hpp"

namespace xai {

// What the runs have in common: a session is one process's part of a run.

/// Opens the data set of models with this card's classes, and logs what it has to say.
DataSet open_data(const DataSetOptions& options, const ModelCard& card);

/// What run.json says of a model, and of the data set and the run's share of it, which is so many images.
Json model_record(const ModelCard& card);
Json data_record(const DataSetOptions& options, const DataSet& data, const Shard& shard, long images);

/// What must be equal of the data set for a run to go on.
Json data_identity(const DataSet& data);
/// The same of the run's share: the field "shard" of its identity. Null of a run over all images.
Json shard_identity(const Shard& shard);
/// A run's identity without which shard it is of; the same for a run over all images.
Json identity_of_all_shards(Json identity);

/// RunPlan's start of a run that is not done, and its data.
std::string start_of(const RunFolder& folder);
Json planned_data(const DataSetOptions& options, const DataSet& data, const Shard& shard, long images);

/// Warns where a finished shard beside this one, of the same run, runs its models in another way.
void compare_with_shards_beside(const RunFolder& folder, const Json& tuning);

/// The field of an object; null where there is none, or no object.
Json field(const Json& object, const char* name);

/// Keeps a run folder's run.json true through one session.
class RunLog {
 public:
  /// What is known from the start. `folder` outlives the log.
  RunLog(RunFolder& folder, const RunKind& kind, const OutputOptions& output, Json options, Json model,
         Json data, const ModelCard& classes);

  RunInfo info;  ///< of this session; its status and seconds are write()'s

  void write(const std::string& status);
  /// As write("running"), if that was a minute ago.
  void keep_fresh();
  /// Does `work`; on an exception run.json says "failed", and it is thrown on.
  void guard(const std::function<void()>& work);

 private:
  RunFolder& folder_;
  Stopwatch time_;  ///< of this session
  Stopwatch since_writing_;
};

/// Writes summary.json, summary.csv and the kind's tables.
void write_summary(const RunFolder& folder, const Summary& summary, const Json& document);

}  // namespace xai
