// xai-subexp: the sub-explanations of every image of a data set (SPEC 5).
#include <iostream>

#include "common/tool.hpp"
#include "xai/record/kinds.hpp"
#include "xai/record/sub_explanation_table.hpp"
#include "xai/run/subexp.hpp"

namespace {

using namespace xai;

/// Options of the table that is printed in the place of a run.
struct TableOptions {
  std::vector<std::string> runs;
  TableFormat format = TableFormat::text;
};

tools::ExitCode print_table(const TableOptions& options, bool json) {
  std::vector<FinishedRun> runs;
  for (const std::string& folder : options.runs) runs.emplace_back(folder, subexp_kind());
  std::cout << sub_explanation_table(runs, json ? TableFormat::json : options.format);
  return tools::done;
}

}  // namespace

int main(int argc, char** argv) {
  SubexpRunOptions options;
  TableOptions printed;
  options.output.command = {argv, argv + argc};
  OptionTable table;
  describe(table, options);
  table.group("Table (instead of a run)");
  table.add("table", printed.runs, "Print these finished runs of xai-subexp side by side").not_in_config();
  table.add("format", printed.format, "Of the table: text, csv, latex or json");
  tools::Tool tool(
      {"xai-subexp",
       "Count the sub-explanations of a classifier's decisions: the sets that keep half of the probability "
       "when "
       "patches\n"
       "are taken away one by one from the minimal sufficient explanations (MSEs), and draw how they hang "
       "together.",
       "Examples: xai-subexp --model models/efficientnet_lite0.pt --data photos --out runs/counted\n"
       "          xai-subexp --mses runs/first --out runs/counted --graphs 3\n"
       "          xai-subexp --table runs/one_model runs/another"},
      table);
  return tool.main(
      argc, argv,
      [&] {
        if (!printed.runs.empty()) return print_table(printed, tool.json());
        return tool.report(run_subexp(options, tool.observer()));
      },
      [&] {
        if (!options.mses.empty()) adopt(table, FinishedRun(options.mses, mse_kind()));
      });
}
