// xai-mse: the minimal sufficient explanations of every image of a data set (SPEC 4).
#include "common/tool.hpp"
#include "xai/run/mse.hpp"

int main(int argc, char** argv) {
  using namespace xai;
  MseRunOptions options;
  options.output.command = {argv, argv + argc};
  OptionTable table;
  describe(table, options);
  tools::Tool tool({"xai-mse",
                    "Find the minimal sufficient explanations (MSEs) of a classifier's decisions: sets of "
                    "image patches that "
                    "alone\n"
                    "keep 90 % of the probability of its prediction, and no part of which does.",
                    "Example: xai-mse --model models/efficientnet_lite0.pt --data photos --out runs/first"},
                   table);
  return tool.main(argc, argv, [&] { return tool.report(run_mse(options, tool.observer())); });
}
