#pragma once

#include <functional>
#include <string>

#include "xai/core/stopwatch.hpp"
#include "xai/store/run_folder.hpp"
#include "xai/store/run_info.hpp"

namespace xai::tools {

/// Keeps a run folder's run.json true through one session of a run.
class RunLog {
 public:
  /// `folder` outlives the log.
  explicit RunLog(const RunFolder& folder) : folder_(folder) {}

  RunInfo info;  ///< of this session; its status and seconds are write()'s

  void write(const std::string& status);
  /// Does `work`; on an exception run.json says "failed", and it is thrown on.
  void guard(const std::function<void()>& work);

 private:
  const RunFolder& folder_;
  Stopwatch time_;  ///< of this session
};

}  // namespace xai::tools
