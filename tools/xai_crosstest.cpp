// xai-crosstest: do models use the same evidence? (SPEC 7)
#include "crosstest_options.hpp"
#include "crosstest_run.hpp"

int main(int argc, char** argv) {
  CLI::App app(
      "Reveal images to every model in the order of what each model looks at, and compare how fast their\n"
      "probabilities come: do they decide for the same reasons? With a matrix of models and of families, a "
      "map of\n"
      "the models, ensembles, and a gate for regression tests.",
      "xai-crosstest");
  app.footer(
      "Examples: xai-crosstest --models models/a.pt models/b.pt --data photos --out runs/cross\n"
      "          xai-crosstest --models models/a.pt models/b.pt --maps runs/maps_a runs/maps_b --data photos "
      "\\\n"
      "                        --out runs/gate --compare baseline.json --tolerance 0.002");
  xai::tools::CrosstestToolOptions options;
  options.add_to(app);
  return xai::tools::run_app(app, argc, argv, options.saliency.app, [&] {
    options.validate();
    return xai::tools::CrosstestRun(options, {argv, argv + argc}).run();
  });
}
