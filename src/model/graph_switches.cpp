#include "graph_switches.hpp"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <unordered_set>

namespace xai {
namespace {

namespace jit = torch::jit;

/// Called with a node, the index of an input that is a switch, and its name.
using Visit = std::function<void(jit::Node&, std::size_t, std::string_view)>;

bool is_switch(std::string_view name) {
  return name == "benchmark" || name == "deterministic" || name == "cudnn_enabled" || name == "allow_tf32";
}

/// Walks every graph that a module can run, each once.
class Walk {
 public:
  explicit Walk(const Visit& visit) : visit_(visit) {}

  void module(const jit::Module& root) {
    for (const jit::Module& part : root.modules())
      for (const jit::Method& method : part.get_methods()) function(method.function());
  }

 private:
  void function(jit::Function& called) {
    if (!seen_.insert(&called).second) return;
    called.ensure_defined();
    if (auto* graph_function = jit::tryToGraphFunction(called)) block(*graph_function->graph()->block());
  }

  void block(jit::Block& inside) {
    for (jit::Node* node : inside.nodes()) {
      switches_of(*node);
      for (jit::Block* inner : node->blocks()) block(*inner);
      if (node->hasAttribute(jit::attr::Subgraph)) block(*node->g(jit::attr::Subgraph)->block());
      if (node->kind() == jit::prim::CallFunction)
        function(*node->input(0)->type()->expect<c10::FunctionType>()->function());
      else if (node->kind() == jit::prim::CallMethod)  // of a class that is no module, too
        if (const auto type = node->input(0)->type()->cast<c10::ClassType>())
          function(type->getMethod(node->s(jit::attr::name)));
    }
  }

  void switches_of(jit::Node& node) {
    const c10::FunctionSchema* schema = node.maybeSchema();
    if (!schema || !node.kind().is_aten()) return;
    for (std::size_t i = 0; i < std::min(schema->arguments().size(), node.inputs().size()); ++i)
      if (const std::string& name = schema->arguments()[i].name(); is_switch(name)) visit_(node, i, name);
  }

  const Visit& visit_;
  std::unordered_set<const jit::Function*> seen_;
};

}  // namespace

void set_graph_switches(jit::Module& module, bool allow_tf32) {
  const Visit set = [allow_tf32](jit::Node& node, std::size_t i, std::string_view name) {
    if (name == "cudnn_enabled") return;
    // a constant of its own: the present one may have other users
    const jit::WithInsertPoint here(&node);
    node.replaceInput(i, node.owningGraph()->insertConstant(name == "allow_tf32" && allow_tf32));
  };
  Walk(set).module(module);
}

std::vector<GraphSwitches> graph_switches(const jit::Module& module) {
  std::vector<GraphSwitches> all;
  const jit::Node* last = nullptr;
  const Visit note = [&](jit::Node& node, std::size_t i, std::string_view name) {
    if (&node != last) all.emplace_back();
    last = &node;
    GraphSwitches& found = all.back();
    auto& value = name == "benchmark"       ? found.benchmark
                  : name == "deterministic" ? found.deterministic
                  : name == "cudnn_enabled" ? found.cudnn_enabled
                                            : found.allow_tf32;
    if (const auto constant = jit::toIValue(node.input(i)); constant && constant->isBool())
      value = constant->toBool();
  };
  Walk(note).module(module);
  return all;
}

}  // namespace xai
