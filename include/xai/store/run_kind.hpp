#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "xai/core/json.hpp"

namespace xai {

/// What the tables of the paper show of a run, gathered record by record (docs/output-format.md).
class Summary {
 public:
  virtual ~Summary() = default;

  /// Takes in one record of results.jsonl.
  virtual void add(const Json& record) = 0;

  /// Takes in what the run's folder has beside its records, after all of them.
  virtual void add_files(const std::filesystem::path& /*folder*/) {}

  /// summary.json. Its intervals depend on the run's seed and on the order of the records.
  virtual Json to_json() const = 0;

  /// Further files that are made of summary.json: their names and contents.
  virtual std::map<std::string, std::string> tables(const Json& /*summary*/) const { return {}; }
};

/// What the runs of one tool have in common.
struct RunKind {
  std::string tool = {};  ///< "xai-mse"
  std::vector<std::string> key = {
      "image"};                            ///< fields of a record, all strings, that tell it from the others
  std::vector<std::string> statuses = {};  ///< that its records can have
  /// What it owns in its folder beside run.json, results.jsonl, summary.json and summary.csv, relative to the
  /// folder. One that ends in '/' is a folder.
  std::vector<std::string> paths = {};
  std::vector<std::string> rows = {};   ///< those of `paths` that are folders of RowFiles, a row an image
  std::string parts = {};               ///< a folder of runs of its own, of the tools in `reads`; empty: none
  std::vector<std::string> reads = {};  ///< tools whose runs it can start from
  /// An empty summary of the run that a run.json describes.
  std::unique_ptr<Summary> (*summary)(const Json& run) = nullptr;
};

}  // namespace xai
