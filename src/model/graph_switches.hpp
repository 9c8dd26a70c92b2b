#pragma once

#include <torch/script.h>

#include <optional>
#include <vector>

namespace xai {

// Tracing writes the global switches of that moment into every convolution, as constants that no later
// setting reaches: aten::_convolution(..., benchmark, deterministic, cudnn_enabled, allow_tf32).

/// What one operation of a graph carries.
struct GraphSwitches {
  std::optional<bool> benchmark, deterministic, cudnn_enabled, allow_tf32;  ///< empty: it does not say
};

/// Rewrites them in all that a module runs: the methods of every (nested) submodule and the functions that
/// they call, blocks of ifs and loops included; benchmark and deterministic become false. Before the module
/// has run.
void set_graph_switches(torch::jit::Module& module, bool allow_tf32);

/// What repair_graphs() had to do.
struct GraphRepairs {
  int training =
      0;  ///< operations that were set to train: dropout, and batch norm that has running statistics
  int devices = 0;  ///< places that named another device
};

/// Makes what tracing baked into a module fit for inference on `device`: constants that say "training" become
/// false, devices become `device`. Walks as above.
GraphRepairs repair_graphs(torch::jit::Module& module, const at::Device& device);

/// Of every operation that carries any, where they are constants.
std::vector<GraphSwitches> graph_switches(const torch::jit::Module& module);

}  // namespace xai
