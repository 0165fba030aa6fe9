#include "runtime/dataflow_planner.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"
#include "runtime/dataflow_plan.h"
#include "runtime/fold.h"

namespace cryograph {
namespace {

DataflowKind KindOf(const NeededNode& needed) {
  const absl::string_view op = needed.node.op();
  if (op == "Const") return DataflowKind::kConstant;
  if (IsSwitch(op)) return DataflowKind::kSwitch;
  if (IsMerge(op)) return DataflowKind::kMerge;
  if (IsEnter(op)) return DataflowKind::kEnter;
  if (IsExit(op)) return DataflowKind::kExit;
  if (IsNextIteration(op)) return DataflowKind::kNextIteration;
  if (op == "ControlTrigger") return DataflowKind::kControlTrigger;
  return DataflowKind::kKernel;
}

// Passes its input on as it is (LoopCond, and what has no kernel of its own).
absl::Status Forward(KernelContext& context) {
  context.SetOutput(0, context.input(0));
  return absl::OkStatus();
}

class DataflowPlanner {
 public:
  DataflowPlanner(const PlannerRequest& request, NeededNodes& needed, RunState& run)
      : request_(request), needed_(needed), run_(run) {}

  absl::StatusOr<std::unique_ptr<GraphPlan>> Make() {
    plan_.frames.emplace_back();
    AddFeeds();
    for (NeededNode& node : needed_.nodes()) RETURN_IF_ERROR(AddNode(node));
    for (size_t i = 0; i < needed_.nodes().size(); ++i) RETURN_IF_ERROR(AddInputs(i));
    RETURN_IF_ERROR(AddFetches());
    RETURN_IF_ERROR(FindFrames());
    PlaceInFrames();
    RETURN_IF_ERROR(PrepareAll());
    result_->dataflow = std::make_unique<DataflowPlan>(std::move(plan_));
    return std::move(result_);
  }

 private:
  struct Input {
    int producer = 0;
    int output = 0;  // kControlEdge
  };

  void AddFeeds() {
    for (size_t i = 0; i < request_.feeds.size(); ++i) {
      result_->feeds.push_back(needed_.DescribeFeed(i));
      DataflowNode node;
      node.kind = DataflowKind::kFeed;
      node.number = static_cast<int>(i);
      node.num_outputs = 1;
      AddDataflowNode(std::move(node));
    }
  }

  int AddDataflowNode(DataflowNode node) {
    plan_.nodes.push_back(std::move(node));
    inputs_.emplace_back();
    return static_cast<int>(plan_.nodes.size()) - 1;
  }

  absl::Status AddNode(NeededNode& needed) {
    DataflowNode node;
    node.kind = KindOf(needed);
    node.num_outputs = needed.info->num_outputs();
    node.num_inputs = static_cast<int>(needed.inputs.size());
    if (node.kind == DataflowKind::kConstant) {
      absl::StatusOr<Value> value = ConstantValue(needed, request_.owner, run_);
      if (!value.ok()) return InNode(needed.node, value.status());
      result_->weight_bytes += value->num_bytes();
      node.number = static_cast<int>(plan_.constants.size());
      plan_.constants.push_back(*std::move(value));
    } else {
      if (node.kind == DataflowKind::kMerge && node.num_inputs == 0) {
        return InNode(needed.node, absl::InvalidArgumentError("it has no input"));
      }
      if (node.kind == DataflowKind::kEnter) {
        RETURN_IF_ERROR(needed.info->Attr("is_constant", &node.is_constant_enter));
      }
      node.number = static_cast<int>(plan_.steps.size());
      PlanStep step;
      step.node = std::move(needed.info);
      step.kernel = std::move(needed.kernel);
      if (step.kernel == nullptr) step.kernel = std::make_unique<FunctionKernel>(&Forward);
      step.last_uses =
          ~uint64_t{0};  // Each reader has its own copy, and memory is shared only while others do.
      plan_.steps.push_back(std::move(step));
    }
    const int index = AddDataflowNode(std::move(node));
    numbers_.emplace(needed.node.id(), index);
    graph_nodes_.resize(index + 1);
    graph_nodes_[index] = needed.node;
    return absl::OkStatus();
  }

  absl::Status FindProducer(Output output, Input* input) const {
    if (needed_.IsFed(output)) {
      *input = {needed_.FeedNumber(output), 0};
      return absl::OkStatus();
    }
    const auto found = numbers_.find(output.node);
    if (found == numbers_.end() || output.index >= plan_.nodes[found->second].num_outputs) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no tensor '", needed_.TensorName(output), "'"));
    }
    *input = {found->second, output.index};
    return absl::OkStatus();
  }

  absl::Status AddInputs(size_t number) {
    const NeededNode& needed = needed_.nodes()[number];
    const int index = numbers_.at(needed.node.id());
    for (Output output : needed.inputs) {
      Input input;
      if (absl::Status status = FindProducer(output, &input); !status.ok())
        return InNode(needed.node, status);
      inputs_[index].push_back(input);
    }
    for (NodeId control : needed.control_inputs) {
      const auto found = numbers_.find(control);
      if (found == numbers_.end()) continue;
      inputs_[index].push_back({found->second, kControlEdge});
      ++plan_.nodes[index].num_controls;
    }
    return absl::OkStatus();
  }

  absl::Status AddFetches() {
    plan_.num_fetches = static_cast<int>(request_.fetches.size());
    for (size_t i = 0; i < request_.fetches.size(); ++i) {
      result_->fetch_names.push_back(needed_.TensorName(request_.fetches[i]));
      Input input;
      RETURN_IF_ERROR(FindProducer(request_.fetches[i], &input));
      DataflowNode node;
      node.kind = DataflowKind::kFetch;
      node.number = static_cast<int>(i);
      node.num_inputs = 1;
      inputs_[AddDataflowNode(std::move(node))].push_back(input);
    }
    return absl::OkStatus();
  }

  absl::Status InNodeNumber(int index, const absl::Status& status) const {
    if (index < static_cast<int>(graph_nodes_.size()) && graph_nodes_[index])
      return InNode(graph_nodes_[index], status);
    return absl::InvalidArgumentError(
        absl::StrCat("fetch '", result_->fetch_names[plan_.nodes[index].number], "': ", status.message()));
  }

  int ChildFrame(int parent, const std::string& name) {
    const auto [found, is_new] = children_.emplace(std::make_pair(parent, name), plan_.frames.size());
    if (is_new) {
      plan_.frames.emplace_back();
      plan_.frames.back().parent = parent;
      plan_.frames.back().name = name;
    }
    return found->second;
  }

  // The frame that the outputs of a node are in, once that of the node is known.
  absl::Status OutputFrame(int index, int* frame) {
    DataflowNode& node = plan_.nodes[index];
    *frame = node.frame;
    if (node.kind == DataflowKind::kEnter) {
      std::string name;
      RETURN_IF_ERROR(plan_.steps[node.number].node->Attr("frame_name", &name));
      *frame = node.child_frame = ChildFrame(node.frame, name);
      ++plan_.frames[*frame].num_enters;
    } else if (node.kind == DataflowKind::kExit) {
      *frame = plan_.frames[node.frame].parent;
      if (*frame < 0)
        return InNodeNumber(index, absl::InvalidArgumentError("it leaves a loop, but is in none"));
    }
    return absl::OkStatus();
  }

  // From the nodes that wait for nothing along the edges.
  absl::Status FindFrames() {
    const int count = static_cast<int>(plan_.nodes.size());
    std::vector<std::vector<int>> readers(count);
    std::vector<int> queue;
    std::vector<bool> reached(count, false);
    for (int i = 0; i < count; ++i) {
      for (const Input& input : inputs_[i]) readers[input.producer].push_back(i);
      if (!inputs_[i].empty()) continue;
      plan_.sources.push_back(i);
      reached[i] = true;
      queue.push_back(i);
    }
    for (size_t at = 0; at < queue.size(); ++at) {
      const int index = queue[at];
      int frame = 0;
      RETURN_IF_ERROR(OutputFrame(index, &frame));
      for (int reader : readers[index]) {
        DataflowNode& node = plan_.nodes[reader];
        if (!reached[reader]) {
          reached[reader] = true;
          node.frame = frame;
          queue.push_back(reader);
        }
        if (node.frame == frame) continue;
        const auto text = [this](int f) {
          return f == 0 ? std::string("outside of loops")
                        : absl::StrCat("inside of loop '", plan_.frames[f].name, "'");
        };
        return InNodeNumber(
            reader, absl::InvalidArgumentError(
                        absl::StrCat("one of its inputs is ", text(node.frame), ", another ", text(frame))));
      }
    }
    for (int i = 0; i < count; ++i) {
      if (!reached[i])
        return InNodeNumber(i, absl::InvalidArgumentError("it is part of a loop that nothing enters"));
      if (plan_.nodes[i].kind != DataflowKind::kFetch || plan_.nodes[i].frame == 0) continue;
      return InNodeNumber(
          i, absl::InvalidArgumentError(absl::StrCat(
                 "it is inside of loop '", plan_.frames[plan_.nodes[i].frame].name,
                 "', where it has a value in each iteration; fetch what comes out of the loop's Exit")));
    }
    return absl::OkStatus();
  }

  void PlaceInFrames() {
    for (size_t i = 0; i < plan_.nodes.size(); ++i) {
      DataflowNode& node = plan_.nodes[i];
      DataflowFrame& frame = plan_.frames[node.frame];
      node.place = static_cast<int>(frame.nodes.size());
      frame.nodes.push_back(static_cast<int>(i));
      node.first_input = frame.num_inputs;
      frame.num_inputs += node.num_inputs;
      int slot = node.first_input;
      for (const Input& input : inputs_[i]) {
        plan_.nodes[input.producer].readers.push_back(
            {static_cast<int>(i), input.output, input.output == kControlEdge ? 0 : slot++});
      }
    }
  }

  // Kernels are told of constant inputs, also of those that come into a loop once for all iterations. What is
  // constant is folded; the node stays, since it may be dead.
  absl::Status PrepareAll() {
    const size_t count = plan_.nodes.size();
    std::vector<int> first_constant(count, -1);
    for (size_t i = 0; i < count; ++i) {
      DataflowNode& node = plan_.nodes[i];
      if (node.kind == DataflowKind::kConstant) first_constant[i] = node.number;
      const bool constant_enter = node.kind == DataflowKind::kEnter && node.is_constant_enter;
      if (node.kind != DataflowKind::kKernel && !constant_enter) continue;
      std::vector<const Value*> constants;
      for (int k = 0; k < node.num_inputs; ++k) {
        const Input& input = inputs_[i][k];
        const int first = first_constant[input.producer];
        constants.push_back(first < 0 ? nullptr : &plan_.constants[first + input.output]);
      }
      if (constant_enter) {
        if (constants[0] != nullptr)
          first_constant[i] = first_constant[inputs_[i][0].producer] + inputs_[i][0].output;
        continue;
      }
      PlanStep& step = plan_.steps[node.number];
      const bool folds = request_.fold_constants && AllConstant(constants);
      for (int k = 0; k < node.num_inputs && (folds || !step.kernel->PreparesUnaligned()); ++k) {
        const Input& input = inputs_[i][k];
        const int first = first_constant[input.producer];
        if (first >= 0) RETURN_IF_ERROR(Align(&plan_.constants[first + input.output], run_));
      }
      if (absl::Status status = PrepareStep(&step, constants, run_); !status.ok())
        return InNode(*step.node, status);
      if (!request_.fold_constants || step.node->op() == "LoopCond") continue;
      std::vector<Value> folded = FoldStep(step, constants, run_);
      if (folded.empty()) continue;
      node.kind = DataflowKind::kConstant;
      node.number = first_constant[i] = static_cast<int>(plan_.constants.size());
      for (Value& value : folded) plan_.constants.push_back(std::move(value));
    }
    return DropPackedConstants();
  }

  // Nodes of constants still say when they are there, but what all readers have packed has no elements any
  // more.
  absl::Status DropPackedConstants() {
    for (size_t i = 0; i < plan_.nodes.size(); ++i) {
      const DataflowNode& node = plan_.nodes[i];
      if (node.kind != DataflowKind::kConstant) continue;
      for (int k = 0; k < node.num_outputs; ++k) {
        Value& constant = plan_.constants[node.number + k];
        RETURN_IF_ERROR(constant.has_value() && IsPackedByAll(static_cast<int>(i), k)
                            ? Empty(&constant)
                            : Align(&constant, run_));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Empty(Value* constant) {
    const DataType dtype = constant->dtype();
    Drop(constant);
    ASSIGN_OR_RETURN(*constant, Value::Allocate(dtype, {0}, *run_.pool));
    return absl::OkStatus();
  }

  bool IsPackedByAll(int constant, int output) const {
    std::vector<std::pair<int, int>> senders = {{constant, output}};
    for (size_t at = 0; at < senders.size(); ++at) {
      const auto [sender, sent] = senders[at];
      for (const DataflowEdge& edge : plan_.nodes[sender].readers) {
        if (edge.output != sent) continue;
        const DataflowNode& reader = plan_.nodes[edge.reader];
        if (reader.kind == DataflowKind::kEnter && reader.is_constant_enter) {
          senders.emplace_back(edge.reader, 0);
          continue;
        }
        const int slot = edge.slot - reader.first_input;
        if (reader.kind != DataflowKind::kKernel || slot >= 64) return false;
        if ((plan_.steps[reader.number].released >> slot & 1) == 0) return false;
      }
    }
    return true;
  }

  const PlannerRequest& request_;
  NeededNodes& needed_;
  RunState& run_;
  DataflowPlan plan_;
  std::unique_ptr<GraphPlan> result_ = std::make_unique<GraphPlan>();
  absl::flat_hash_map<NodeId, int> numbers_;
  std::vector<Node> graph_nodes_;           // By number; null for feeds.
  std::vector<std::vector<Input>> inputs_;  // By number; data first.
  std::map<std::pair<int, std::string>, int> children_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GraphPlan>> MakeDataflowPlan(const PlannerRequest& request,
                                                            NeededNodes& needed, RunState& run) {
  return DataflowPlanner(request, needed, run).Make();
}

}  // namespace cryograph
