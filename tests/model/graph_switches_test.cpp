#include "../../src/model/graph_switches.hpp"

#include <ATen/Context.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/constant_pooling.h>
#include <torch/jit.h>

#include "../../src/model/torchscript.hpp"
#include "model_fixture.hpp"

namespace xai {
namespace {

/// As tracing writes it: benchmark, deterministic, cudnn_enabled, allow_tf32.
std::string convolution(const std::string& input, const std::string& switches = "True, True, True, True") {
  return "torch._convolution(" + input + ", self.kernel, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, " +
         switches + ")";
}

torch::jit::Module with_kernel(const char* name) {
  torch::jit::Module module(name);
  module.register_parameter("kernel", at::rand({3, 3, 3, 3}, at::detail::createCPUGenerator(1)),
                            /*is_buffer=*/false);
  return module;
}

/// Convolutions in a submodule's method, a called function, an if and a loop, and the deprecated form: 6.
torch::jit::Module nested_model() {
  torch::jit::Module child = with_kernel("child"), module = with_kernel("parent");
  child.define("def forward(self, x):\n    return " + convolution("x") + "\n");
  module.register_module("child", child);
  module.define(
      "def forward(self, x):\n"
      "    y = self.child.forward(x)\n"
      "    if bool(y.sum() > 0):\n"
      "        y = " +
      convolution("y", "False, False, True, True") +
      "\n"
      "    else:\n"
      "        y = " +
      convolution("y", "False, False, True, False") +
      "\n"
      "    for i in range(2):\n"
      "        y = " +
      convolution("y") +
      "\n"
      "    y = " +
      convolution("y", "True, True, True") +
      "\n"
      "    return y\n");
  static std::vector<std::shared_ptr<torch::jit::CompilationUnit>> units;  // nobody else keeps them
  units.push_back(torch::jit::compile(
      "def twice(y: Tensor, k: Tensor) -> Tensor:\n"
      "    return torch._convolution(y, k, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, True, True, True, "
      "True)\n"));
  auto& graph = *torch::jit::toGraphFunction(module.get_method("forward").function()).graph();
  torch::jit::Value* y = graph.outputs()[0];
  const torch::jit::WithInsertPoint at_the_end(graph.block()->return_node());
  torch::jit::Value* kernel = graph.insertGetAttr(graph.inputs()[0], "kernel");
  torch::jit::Node* function = graph.insertNode(graph.create(torch::jit::prim::Constant));
  torch::jit::Function& twice = units.back()->get_function("twice");
  function->s_(torch::jit::attr::name, "twice");
  function->output()->setType(c10::FunctionType::create(&twice));
  torch::jit::Node* call =
      graph.insertNode(graph.create(torch::jit::prim::CallFunction, {function->output(), y, kernel}));
  call->output()->setType(c10::TensorType::get());
  graph.block()->replaceOutput(0, call->output());
  return module;
}

void expect_switches(const torch::jit::Module& module, std::size_t count, bool allow_tf32) {
  const std::vector<GraphSwitches> all = graph_switches(module);
  EXPECT_EQ(all.size(), count);
  std::size_t deprecated = 0;
  for (const GraphSwitches& found : all) {
    EXPECT_EQ(found.benchmark, false);
    EXPECT_EQ(found.deterministic, false);
    EXPECT_EQ(found.cudnn_enabled, true) << "a constant that others share was edited";
    deprecated += !found.allow_tf32;
    EXPECT_EQ(found.allow_tf32.value_or(allow_tf32), allow_tf32);
  }
  EXPECT_EQ(deprecated, 1) << "it reads the global switch";
}

TEST(GraphSwitches, AreRewrittenWhereverAModelConvolves) {
  const at::Tensor x = at::rand({2, 3, 8, 8}, at::detail::createCPUGenerator(2));
  const at::Tensor expected = nested_model().forward({x}).toTensor();
  for (const bool allow_tf32 : {false, true}) {
    torch::jit::Module module = nested_model();
    auto& graph = torch::jit::toGraphFunction(module.get_method("forward").function());
    torch::jit::ConstantPooling(graph.graph());  // one True for all
    set_graph_switches(module, allow_tf32);
    expect_switches(module, 6, allow_tf32);
    EXPECT_TRUE(at::allclose(module.forward({x}).toTensor(), expected));
    module.eval();
    torch::jit::Module frozen = torch::jit::freeze(module);
    expect_switches(frozen, 7, allow_tf32);   // the loop is unrolled
    set_graph_switches(frozen, !allow_tf32);  // as of a file that was frozen before
    expect_switches(frozen, 7, !allow_tf32);
  }
}

TEST(GraphSwitches, AreThePrecisionsInLoadedFiles) {
  const TemporaryFolder folder;
  const auto file = testing::save_model(folder, R"(
def forward(self, x):
    k = torch.ones([4, 3, 3, 3], dtype=x.dtype, device=x.device)
    y = torch._convolution(x, k, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, False, False, True, True)
    return torch.mm(y.mean([2, 3])[:, 0:3], self.weight.to(x.dtype))
)");
  for (const Named<Precision>& precision : names_of<Precision>) {
    const auto module = load_torchscript(file, sha256_file(file), at::kCPU, precision.value);
    const auto all = graph_switches(module);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].allow_tf32, precision.value == Precision::tf32) << precision.name;
    const auto frozen = graph_switches(torch::jit::freeze(module));
    ASSERT_EQ(frozen.size(), 1U);
    EXPECT_EQ(frozen[0].allow_tf32, precision.value == Precision::tf32) << precision.name;
  }
}

}  // namespace
}  // namespace xai
