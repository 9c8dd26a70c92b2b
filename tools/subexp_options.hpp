#pragma once

#include <string>
#include <vector>

#include "common/search_options.hpp"
#include "xai/record/sub_explanation_table.hpp"
#include "xai/search/sub_explanations.hpp"
#include "xai/store/finished_run.hpp"

namespace xai::tools {

/// Every option of xai-subexp.
struct SubexpToolOptions : SearchOptions {
  std::filesystem::path mses;      ///< an earlier run of xai-mse; empty = search
  SubExplanationOptions counting;  ///< but for the grid, which is that of the search
  long graphs = 0;
  std::vector<std::string> graph_images;
  int graph_max_nodes = 24;
  std::vector<std::string> table;
  TableFormat format = TableFormat::text;

  void add_to(CLI::App& app);
  /// Gives the options that decide which MSEs are found, and that the command line does not name, the values
  /// of the run that found them.
  void take_from(CLI::App& cli, const FinishedRun& earlier);
  void validate() const;
  SubExplanationOptions sub_explanations() const;
  /// Those that can change a record: they must be equal for a run to go on. `earlier`: the run of --mses.
  Json identity(const FinishedRun* earlier) const;
  /// All of them, for run.json.
  Json resolved() const;
};

}  // namespace xai::tools
