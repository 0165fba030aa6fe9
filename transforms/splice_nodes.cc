#include "transforms/splice_nodes.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "graph/control_flow.h"
#include "graph/op_schema.h"

namespace cryograph {
namespace {

class Splicer {
 public:
  Splicer(Graph& graph, PassContext& context, const SpliceOptions& options)
      : graph_(graph),
        context_(context),
        options_(options),
        registry_(context.model()),
        state_(graph.id_limit(), kUndecided) {}

  absl::Status Run() {
    // A chain is decided from its source on, so every node is looked at once, however long chains are.
    std::vector<NodeId> chain;
    for (Node node : graph_.nodes()) {
      NodeId id = node.id();
      for (; Undecided(id); id = graph_.node(id).input(0).node) {
        StateOf(id) = kInProgress;
        chain.push_back(id);
      }
      if (StateOf(id) == kInProgress) {
        // What follows leads back to where it began.
        do {
          StateOf(chain.back()) = kDecided;
          context_.Skip(graph_.node(chain.back()), "it is part of a cycle of such nodes");
          const bool whole = chain.back() == id;
          chain.pop_back();
          if (whole) break;
        } while (!chain.empty());
      }
      while (!chain.empty()) {
        const Node next = graph_.node(chain.back());
        chain.pop_back();
        StateOf(next.id()) = kDecided;
        RETURN_IF_ERROR(Consider(next));
      }
    }
    return absl::OkStatus();
  }

 private:
  enum State : uint8_t { kUndecided, kInProgress, kDecided };

  State& StateOf(NodeId id) { return state_[static_cast<uint32_t>(id)]; }
  bool Undecided(NodeId id) {
    const Node node = graph_.node(id);
    return graph_.alive(id) && StateOf(id) == kUndecided && options_.selected(node) &&
           node.num_inputs() >= 1 && node.num_inputs() <= options_.max_inputs;
  }

  // `node` is a candidate; what it reads has been decided.
  absl::Status Consider(Node node) {
    const Output source = node.input(0);
    if (node.pinned()) return Keep(node, "its name is an input or output of the graph");
    if (!node.OnlyOutputUsed(0)) return Keep(node, "a further output of it is read");
    if (context_.compat()) {
      graph_.RemoveAllControlInputs(node);
    } else if (const absl::string_view why = ControlFlowReason(node, graph_.node(source.node));
               !why.empty()) {
      return Keep(node, why);
    }
    if (!options_.force && ChangesType(node))
      return Keep(node, "its output has another type than its first input");
    if (!context_.compat() && HoldsOldValue(node, source)) {
      return Keep(node, "it holds the value of a variable that is assigned to");
    }
    std::vector<NodeId> operands;
    for (int slot = 1; slot < node.num_inputs(); ++slot) operands.push_back(node.input(slot).node);
    RETURN_IF_ERROR(graph_.Bypass(node, source));
    context_.Count("removed");
    return DropOperands(operands);
  }

  // Further inputs of a removed node that nobody else reads go with it.
  absl::Status DropOperands(const std::vector<NodeId>& operands) {
    for (const NodeId id : operands) {
      const Node operand = graph_.node(id);
      if (!graph_.alive(id) || operand.pinned() || !operand.uses().empty()) continue;
      RETURN_IF_ERROR(graph_.Erase(operand));
      context_.Count("further inputs removed");
    }
    return absl::OkStatus();
  }

  absl::Status Keep(Node node, absl::string_view why) {
    context_.Skip(node, why);
    return absl::OkStatus();
  }

  static absl::string_view ControlFlowReason(Node node, Node source) {
    if (IsControlFlow(source.op()) && !IsLoopCond(source.op()) && node.HasControlReaders()) {
      return "its control readers belong to a branch or an iteration";
    }
    const bool waits = !node.control_inputs().empty(), next = IsNextIteration(source.op());
    if (!waits && !next) return "";
    for (const Use& use : node.uses()) {
      if (!IsMerge(node.graph().node(use.user).op())) continue;
      return next ? "it stands between NextIteration and Merge"
                  : "a Merge reads it, and it runs in one branch only";
    }
    return "";
  }

  // Whether output 0 has another type than input 0, references aside. What no schema tells counts as the
  // same.
  bool ChangesType(Node node) {
    const OpSchema* schema = registry_.Find(node.op());
    if (schema == nullptr || schema->inputs.empty() || schema->outputs.empty()) return false;
    const ArgSchema &in = schema->inputs[0], &out = schema->outputs[0];
    if (!in.type_attr.empty() && in.type_attr == out.type_attr) return false;
    TypeRuns types;
    if (!ArgTypes(*schema, schema->inputs, node, &types).ok() || types.size() == 0) return false;
    const DataType before = types.at(0);
    if (!ArgTypes(*schema, schema->outputs, node, &types).ok() || types.size() == 0) return false;
    return BaseType(before) != BaseType(types.at(0));
  }

  // A reader of a reference sees what is assigned before it reads; a copy does not.
  bool HoldsOldValue(Node node, Output source) {
    if (!IsReference(source) || IsReference(node.out(0))) return false;
    const auto [assigned, is_new] = assigned_.try_emplace(source.node, false);
    if (is_new) {
      for (const Use& use : graph_.node(source.node).uses()) {
        assigned->second |= MayAssign(use) && Needed(use.user);
      }
    }
    return assigned->second;
  }

  bool IsReference(Output output) {
    const Node producer = graph_.node(output.node);
    const OpSchema* schema = registry_.Find(producer.op());
    if (schema == nullptr) return false;
    for (const ArgSchema& arg : schema->outputs) {
      if (arg.is_ref) return true;
    }
    return false;
  }

  // Whether the reader takes the reference itself, and not what it holds just then.
  bool MayAssign(const Use& use) {
    if (use.slot == kControl) return false;
    const Node user = graph_.node(use.user);
    const OpSchema* schema = registry_.Find(user.op());
    if (schema == nullptr) return true;
    for (const ArgSchema& arg : schema->inputs) {
      if (arg.is_ref) return true;
    }
    return false;
  }

  // Whether the outputs need `id`; without outputs everything may be run.
  bool Needed(NodeId id) {
    if (context_.outputs().empty()) return true;
    if (needed_.empty()) {
      needed_.resize(graph_.id_limit());
      std::vector<NodeId> pending;
      const auto visit = [&](NodeId each) {
        if (needed_[static_cast<uint32_t>(each)]) return;
        needed_[static_cast<uint32_t>(each)] = true;
        pending.push_back(each);
      };
      for (const TensorName& output : context_.outputs()) {
        if (const Node node = graph_.Find(output.node)) visit(node.id());
      }
      while (!pending.empty()) {
        const Node node = graph_.node(pending.back());
        pending.pop_back();
        for (const InputEdge& input : node.inputs()) visit(input.node);
        for (const ControlEdge& control : node.control_inputs()) visit(control.node);
      }
    }
    return needed_[static_cast<uint32_t>(id)];
  }

  Graph& graph_;
  PassContext& context_;
  const SpliceOptions& options_;
  OpRegistry registry_;
  std::vector<State> state_;
  std::vector<bool> needed_;                    // Empty until somebody asks.
  absl::flat_hash_map<NodeId, bool> assigned_;  // Whether something assigns to this variable.
};

}  // namespace

absl::Status SpliceNodes(Graph& graph, PassContext& context, const SpliceOptions& options) {
  return Splicer(graph, context, options).Run();
}

}  // namespace cryograph
