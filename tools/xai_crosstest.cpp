// xai-crosstest: do models use the same evidence? (SPEC 7)
#include <iostream>

#include "common/tool.hpp"
#include "xai/record/cross_tables.hpp"
#include "xai/run/crosstest.hpp"

namespace {

using namespace xai;

tools::ExitCode report(const CrosstestResult& result, const tools::Tool& tool) {
  const bool tables = !result.plan && !tool.json();
  if (tables && result.complete && !tool.quiet()) std::cout << matrix_table(result.summary);
  if (tables && result.gate) std::cout << result.gate->table;
  const tools::ExitCode code = tool.report(result, {{"gate", result.gate ? result.gate->document : Json()}});
  return result.gate && !result.gate->passed ? tools::gate_failed : code;
}

}  // namespace

int main(int argc, char** argv) {
  CrosstestRunOptions options;
  options.output.command = {argv, argv + argc};
  OptionTable table;
  describe(table, options);
  tools::Tool tool(
      {"xai-crosstest",
       "Reveal images to every model in the order of what each model looks at, and compare how fast their\n"
       "probabilities come (insertion AUC: higher is better): do they decide for the same reasons? With a "
       "matrix of models and of families, a "
       "map of\n"
       "the models, ensembles, and a gate for regression tests.",
       "Examples: xai-crosstest --models models/a.pt models/b.pt --data photos --out runs/cross\n"
       "          xai-crosstest --models models/a.pt models/b.pt --maps runs/maps_a runs/maps_b --data "
       "photos \\\n"
       "                        --out runs/gate --compare baseline.json --tolerance 0.002"},
      table);
  return tool.main(
      argc, argv, [&] { return report(run_crosstest(options, tool.observer()), tool); },
      [&] { use_preset(table, options.making.preset); });
}
