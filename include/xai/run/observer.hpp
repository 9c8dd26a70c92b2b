#pragma once

#include <string_view>

namespace xai {

/// How far a part of a run is.
struct RunProgress {
  std::string_view what;  ///< "xai-mse", "cross-tests of models 1 to 4"; parts come one after the other
  long done = 0;          ///< images, those of earlier sessions included
  long already_done = 0;  ///< those of earlier sessions
  long total = 0;
  long evaluations = 0;  ///< rows through the model in this session
};

/// What a run tells while it goes on, and asks. The base class says nothing and never stops a run.
class RunObserver {
 public:
  virtual ~RunObserver() = default;

  /// Called now and then, by one thread at a time. False: save what is done and come back, to go on another
  /// time.
  virtual bool progress(const RunProgress&) { return true; }
};

}  // namespace xai
