#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "xai/core/json.hpp"

namespace xai {

/// a + b, or the largest number where that is beyond it: budgets have no upper bound.
long saturating_sum(long a, long b);

/// Rows that a model is shown, padding excluded.
struct ModelRows {
  long forward = 0;   ///< all of them
  long backward = 0;  ///< those of them that go back through it, for a gradient or features

  ModelRows& operator+=(const ModelRows& more);
};

/// Rows that a model was measured to answer in a second, composing included, with the run's batches and
/// lanes. 0: not measured.
struct ModelSpeed {
  double forward = 0;
  double backward = 0;  ///< of rows that go forward and back

  /// Nothing where a speed is missing.
  std::optional<double> seconds(const ModelRows& rows) const;
};

/// What one model is asked in a run.
struct PlannedPart {
  std::string tool;     ///< "xai-saliency", also where a run of xai-crosstest makes its maps
  std::string model;    ///< the card's name
  long images = 0;      ///< of which something is to be done
  ModelRows most = {};  ///< of all of them, at most
  ModelSpeed speed = {};
  double read_seconds =
      0;  ///< an image, from its file to what the model is shown, several at once as in the run

  /// At most, but for what else the machine does; nothing where the speed could not be measured.
  std::optional<double> seconds() const;
};

/// What a run would do, and what it would cost: measured and estimated on the spot, with nothing written
/// (OutputOptions::dry_run).
struct RunPlan {
  std::string tool;
  std::filesystem::path folder;
  std::string start;  ///< "new", "goes on", "starts anew" (with 'overwrite'), "done": nothing is left
  Json data;          ///< as in run.json, and the notes of the data set
  long images = 0;    ///< of the data set
  long done = 0;      ///< those of which nothing is left to do
  Json platform;      ///< as in run.json, and the precision
  std::vector<PlannedPart> parts = {};
  /// That results will take beside what is there. Numbers are the run's own; records and pictures are made
  /// up: their size is that of ones of invented results, drawn on the first photograph.
  std::int64_t bytes = 0;
  std::int64_t peak_memory_bytes = 0;  ///< of this process while it measured

  ModelRows most() const;
  std::optional<double> seconds() const;
};

/// What `xai-mse --dry-run --json` prints.
Json to_json(const RunPlan& plan);
/// To read: a screen.
std::string plan_text(const RunPlan& plan);

}  // namespace xai
