// xai-merge: one run of the runs of its shards (SPEC 9).
#include <iostream>

#include "common/tool.hpp"
#include "xai/run/merge.hpp"

namespace {

using namespace xai;

tools::ExitCode report(const MergeResult& result, const MergeOptions& options, const tools::Tool& tool) {
  if (options.missing && !tool.json()) {
    if (!result.missing.empty()) std::cout << result.missing << "\n";
    return tools::done;
  }
  const tools::ExitCode code = tool.report(result, {{"missing", result.missing}});
  const bool as_asked = options.partial && !result.missing.empty() && !result.summary.is_null();
  if (code == tools::stopped && as_asked) return result.errors > 0 ? tools::some_images_failed : tools::done;
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  MergeOptions options;
  options.command = {argv, argv + argc};
  OptionTable table;
  describe(table, options);
  tools::Tool tool(
      {"xai-merge",
       "Make one run of the runs of its shards: the files that one run over all images would have\n"
       "written. Refuses shards that are missing, doubled, or unlike in model, data, options or tuning.",
       "Examples: xai-merge runs/lite0 runs/lite0.shards/[0-9]*\n"
       "          sbatch --array=$(xai-merge runs/lite0 runs/lite0.shards/[0-9]* --missing) job.sbatch"},
      table);
  return tool.main(argc, argv, [&] { return report(merge_runs(options, tool.observer()), options, tool); });
}
