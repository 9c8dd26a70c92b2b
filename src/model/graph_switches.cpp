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

using Visit = std::function<void(jit::Node&)>;

/// Calls use(index, name) for each input of an ATen operation that its schema names.
template <class Use>
void for_inputs(jit::Node& node, Use use) {
  const c10::FunctionSchema* schema = node.maybeSchema();
  if (!schema || !node.kind().is_aten()) return;
  for (std::size_t i = 0; i < std::min(schema->arguments().size(), node.inputs().size()); ++i)
    use(i, schema->arguments()[i].name());
}

/// A constant of its own: the present one may have other users.
void set_input(jit::Node& node, std::size_t i, bool value) {
  const jit::WithInsertPoint here(&node);
  node.replaceInput(i, node.owningGraph()->insertConstant(value));
}

std::optional<bool> constant_flag(jit::Node& node, std::size_t i) {
  const auto constant = jit::toIValue(node.input(i));
  return constant && constant->isBool() ? std::optional(constant->toBool()) : std::nullopt;
}

bool is_none(jit::Node& node, std::size_t i) {
  const auto constant = jit::toIValue(node.input(i));
  return constant && constant->isNone();
}

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
      visit_(*node);
      for (jit::Block* inner : node->blocks()) block(*inner);
      if (node->hasAttribute(jit::attr::Subgraph)) block(*node->g(jit::attr::Subgraph)->block());
      if (node->kind() == jit::prim::CallFunction)
        function(*node->input(0)->type()->expect<c10::FunctionType>()->function());
      else if (node->kind() == jit::prim::CallMethod)  // of a class that is no module, too
        if (const auto type = node->input(0)->type()->cast<c10::ClassType>())
          function(type->getMethod(node->s(jit::attr::name)));
    }
  }

  const Visit& visit_;
  std::unordered_set<const jit::Function*> seen_;
};

}  // namespace

void set_graph_switches(jit::Module& module, bool allow_tf32) {
  const Visit set = [allow_tf32](jit::Node& node) {
    for_inputs(node, [&](std::size_t i, const std::string& name) {
      if (is_switch(name) && name != "cudnn_enabled") set_input(node, i, name == "allow_tf32" && allow_tf32);
    });
  };
  Walk(set).module(module);
}

GraphRepairs repair_graphs(jit::Module& module, const at::Device& device) {
  GraphRepairs repairs;
  const Visit repair = [&](jit::Node& node) {
    if (node.kind() == jit::prim::Constant && node.output()->type()->kind() == c10::TypeKind::DeviceObjType &&
        node.hasAttribute(jit::attr::value) && node.s(jit::attr::value) != device.str()) {
      node.s_(jit::attr::value, device.str());
      ++repairs.devices;
    }
    bool batch_statistics = false;  // there are no others
    for_inputs(node, [&](std::size_t i, const std::string& name) {
      if (name == "running_mean") batch_statistics = is_none(node, i);
      if ((name != "training" && name != "train") || batch_statistics || constant_flag(node, i) != true)
        return;
      set_input(node, i, false);
      ++repairs.training;
    });
  };
  Walk(repair).module(module);
  return repairs;
}

std::vector<GraphSwitches> graph_switches(const jit::Module& module) {
  std::vector<GraphSwitches> all;
  const Visit note = [&](jit::Node& node) {
    GraphSwitches found;
    bool any = false;
    for_inputs(node, [&](std::size_t i, const std::string& name) {
      if (!is_switch(name)) return;
      any = true;
      auto& value = name == "benchmark"       ? found.benchmark
                    : name == "deterministic" ? found.deterministic
                    : name == "cudnn_enabled" ? found.cudnn_enabled
                                              : found.allow_tf32;
      value = constant_flag(node, i);
    });
    if (any) all.push_back(found);
  };
  Walk(note).module(module);
  return all;
}

}  // namespace xai
