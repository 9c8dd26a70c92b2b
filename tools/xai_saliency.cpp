// xai-saliency: maps of what matters to a classifier's decisions, and how well they do (SPEC 6, 7).
#include "saliency_run.hpp"

int main(int argc, char** argv) {
  CLI::App app(
      "Make a saliency map of every image of a data set, by optimised masks (iGOS++ and its relatives),\n"
      "Grad-CAM or RISE, and measure it by insertion and deletion on the model that it explains.",
      "xai-saliency");
  app.footer("Example: xai-saliency --model models/efficientnet_lite0.pt --data photos --out runs/maps");
  xai::tools::SaliencyToolOptions options;
  options.add_to(app);
  return xai::tools::run_app(app, argc, argv, options.app, [&] {
    return xai::tools::run_saliency(options, {argv, argv + argc});
  });
}
