// xai-saliency: maps of what matters to a classifier's decisions, and how well they do (SPEC 6, 7).
#include "common/tool.hpp"
#include "xai/run/saliency.hpp"

int main(int argc, char** argv) {
  using namespace xai;
  SaliencyRunOptions options;
  options.output.command = {argv, argv + argc};
  OptionTable table;
  describe(table, options);
  tools::Tool tool(
      {"xai-saliency",
       "Make a saliency map of every image of a data set, by optimised masks (iGOS++ and its relatives),\n"
       "Grad-CAM or RISE, and measure it by insertion (higher is better) and deletion (lower is better) on "
       "the "
       "model that it explains.",
       "Example: xai-saliency --model models/efficientnet_lite0.pt --data photos --out runs/maps"},
      table);
  return tool.main(
      argc, argv, [&] { return tool.report(run_saliency(options, tool.observer())); },
      [&] { use_preset(table, options.maps.preset); });
}
