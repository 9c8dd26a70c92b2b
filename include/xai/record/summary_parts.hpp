#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "xai/core/json.hpp"
#include "xai/metrics/statistics.hpp"
#include "xai/store/run_kind.hpp"

namespace xai {

// What the summaries of all tools are made of. The unit is the image.

using Counts = std::map<std::string, long>;

/// {"n": of, "count": count, "share": count / of}; the share of nothing is null.
Json share(long count, long of);

/// {"n", "mean", "median", "standard_deviation", "low", "high"}; what is undefined is null.
Json to_json(const Statistics& statistics);

/// How describe() makes the intervals of a summary: its field "bootstrap".
Json bootstrap(std::uint64_t seed);

/// Counts a run's records by what became of their images: the first fields of every summary.json.
class ImageCounts {
 public:
  /// Of a run of `kind`, which outlives the counts.
  explicit ImageCounts(const RunKind& kind);

  /// Takes in one record; tells whether its status is "ok".
  bool add(const Json& record);

  long ok() const { return statuses_.at("ok"); }

  /// schema_version, tool, images, statuses, skip_reasons, stop_reasons, top1, near_ties.
  Json to_json() const;

 private:
  const RunKind& kind_;
  long images_ = 0;
  Counts statuses_;
  Counts skip_reasons_;
  Counts stop_reasons_;
  long labelled_ = 0;
  long correct_ = 0;
  long near_ties_ = 0;
};

/// Values of several quantities, each described by n, mean, median, deviation and an interval.
class Quantities {
 public:
  Quantities(std::initializer_list<const char*> names);

  /// Of one of the names; null is no value.
  void add(std::string_view name, const Json& value);

  /// Adds the field "bootstrap", and the quantities to the field "quantities". The intervals depend on `seed`
  /// and on the order of values.
  void write_to(Json& summary, std::uint64_t seed) const;

 private:
  std::vector<std::pair<std::string, std::vector<double>>> values_;
};

}  // namespace xai
