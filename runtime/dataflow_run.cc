#include "runtime/dataflow_run.h"

#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "runtime/graph_plan.h"

namespace cryograph {
namespace {

// What a node still waits for. A Merge runs when its control inputs and one live input have come, or when all
// inputs are dead.
struct Waiting {
  int data = 0;           // Inputs that have not come.
  int controls = 0;       // Control inputs that have not come.
  int dead = 0;           // Dead inputs and control inputs.
  bool has_live = false;  // Of a Merge.
  bool queued = false;
};

// A frame at run time, in its current iteration.
struct FrameRun {
  int frame = 0;
  FrameRun* parent = nullptr;
  std::vector<Waiting> waiting;  // By place.
  std::vector<Value> inputs;
  int outstanding = 0;     // Nodes in the queue, and child frames that live.
  int enters_to_come = 0;  // Enter nodes that have not run.
  bool in_first_iteration = true;
  std::vector<std::pair<int, Value>> invariants;      // Constant Enters that have run, with their value.
  std::vector<std::pair<int, Value>> next_iteration;  // Live NextIterations of this iteration.
  std::vector<int> dead_exits;                        // Of this iteration.
  std::map<int, std::unique_ptr<FrameRun>> children;  // By frame.
};

class DataflowRun {
 public:
  DataflowRun(const DataflowPlan& plan, std::vector<Value> feeds, RunState& run)
      : plan_(plan), feeds_(std::move(feeds)), run_(run), results_(plan.num_fetches) {}
  // Frames that a failed run leaves may nest as deep as the graph likes: not by recursion.
  ~DataflowRun() {
    std::vector<std::unique_ptr<FrameRun>> left;
    const auto take_children = [&left](FrameRun& frame) {
      for (auto& [number, child] : frame.children) left.push_back(std::move(child));
    };
    take_children(root_);
    while (!left.empty()) {
      const std::unique_ptr<FrameRun> frame = std::move(left.back());
      left.pop_back();
      take_children(*frame);
    }
  }
  DataflowRun(const DataflowRun&) = delete;
  DataflowRun& operator=(const DataflowRun&) = delete;

  absl::StatusOr<std::vector<Value>> Run(const std::vector<std::string>& fetch_names) {
    root_.frame = 0;
    BeginIteration(root_);
    for (int node : plan_.sources) Enqueue(root_, node, /*dead=*/false);
    while (!ready_.empty()) {
      const Ready ready = ready_.front();
      ready_.pop_front();
      RETURN_IF_ERROR(Process(ready));
      --ready.frame->outstanding;
      RETURN_IF_ERROR(FinishIteration(ready.frame));
    }
    for (size_t i = 0; i < results_.size(); ++i) {
      if (results_[i].has_value()) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "fetch '", fetch_names[i], "' is dead in this run: it is on a branch that is not taken"));
    }
    return std::move(results_);
  }

 private:
  struct Ready {
    FrameRun* frame;
    int node;
    bool dead;
  };
  using Outputs = absl::InlinedVector<Value, 4>;

  void BeginIteration(FrameRun& frame) {
    const DataflowFrame& info = plan_.frames[frame.frame];
    frame.waiting.resize(info.nodes.size());
    for (size_t i = 0; i < info.nodes.size(); ++i) {
      const DataflowNode& node = plan_.nodes[info.nodes[i]];
      frame.waiting[i] = Waiting{node.num_inputs, node.num_controls, 0, false, false};
    }
    frame.inputs.assign(info.num_inputs, Value());
    frame.dead_exits.clear();
  }

  void Enqueue(FrameRun& frame, int node, bool dead) {
    ++frame.outstanding;
    ready_.push_back({&frame, node, dead});
  }

  absl::Status Process(const Ready& ready) {
    const DataflowNode& node = plan_.nodes[ready.node];
    FrameRun& frame = *ready.frame;
    Outputs outputs(node.num_outputs);  // Without a value: dead.
    if (!ready.dead) RETURN_IF_ERROR(Compute(node, frame, &outputs));
    Value* const inputs = frame.inputs.data() + node.first_input;
    for (int i = 0; i < node.num_inputs; ++i) inputs[i] = Value();
    switch (node.kind) {
      case DataflowKind::kEnter:
        return Enter(node, frame, std::move(outputs[0]), ready.dead);
      case DataflowKind::kExit:
        if (ready.dead) {
          frame.dead_exits.push_back(ready.node);
        } else {
          Deliver(node, *frame.parent, outputs, /*dead=*/false);
        }
        return absl::OkStatus();
      case DataflowKind::kNextIteration:
        if (!ready.dead) frame.next_iteration.emplace_back(ready.node, std::move(outputs[0]));
        return absl::OkStatus();
      default:
        Deliver(node, frame, outputs, ready.dead);
        return absl::OkStatus();
    }
  }

  absl::Status Compute(const DataflowNode& node, FrameRun& frame, Outputs* outputs) {
    Value* const inputs = frame.inputs.data() + node.first_input;
    switch (node.kind) {
      case DataflowKind::kKernel: {
        const PlanStep& step = plan_.steps[node.number];
        absl::InlinedVector<Value*, 8> pointers;
        for (int i = 0; i < node.num_inputs; ++i) pointers.push_back(&inputs[i]);
        return RunStep(step, pointers, absl::MakeSpan(*outputs), /*all_outputs=*/true, run_);
      }
      case DataflowKind::kConstant:
        for (int i = 0; i < node.num_outputs; ++i) (*outputs)[i] = plan_.constants[node.number + i];
        return absl::OkStatus();
      case DataflowKind::kFeed:
        (*outputs)[0] = std::move(feeds_[node.number]);
        return absl::OkStatus();
      case DataflowKind::kFetch:
        results_[node.number] = std::move(inputs[0]);
        return absl::OkStatus();
      case DataflowKind::kSwitch:
        return Switch(node, inputs, outputs);
      case DataflowKind::kMerge:
        return Merge(node, inputs, outputs);
      case DataflowKind::kEnter:
      case DataflowKind::kExit:
      case DataflowKind::kNextIteration:
        RETURN_IF_ERROR(run_.CheckLimits());
        return PassOn(node, std::move(inputs[0]), &(*outputs)[0]);
      case DataflowKind::kControlTrigger:
        return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  const NodeInfo& InfoOf(const DataflowNode& node) const { return *plan_.steps[node.number].node; }

  // `value` as the node's output: read if it is a reference and the output is none.
  absl::Status PassOn(const DataflowNode& node, Value value, Value* output) {
    const NodeInfo& info = InfoOf(node);
    if (!IsRefType(info.output_type(0))) {
      if (absl::Status status = Dereference(&value); !status.ok()) return InNode(info, status);
    }
    *output = std::move(value);
    return absl::OkStatus();
  }

  absl::Status Switch(const DataflowNode& node, Value* inputs, Outputs* outputs) {
    const NodeInfo& info = InfoOf(node);
    if (absl::Status status = Dereference(&inputs[1]); !status.ok()) return InNode(info, status);
    const Value& selector = inputs[1];
    if (!selector.is_scalar()) {
      return InNode(info, absl::InvalidArgumentError(
                              absl::StrCat("the predicate must be a scalar, not ", ValueText(selector))));
    }
    int64_t taken = 0;
    if (selector.dtype() == DT_BOOL) {
      taken = selector.scalar<bool>() ? 1 : 0;
    } else {
      const int64_t index = selector.scalar<int32_t>();  // Of _SwitchN: out of range takes the last.
      taken = index < 0 || index >= node.num_outputs ? node.num_outputs - 1 : index;
    }
    return PassOn(node, std::move(inputs[0]), &(*outputs)[taken]);
  }

  absl::Status Merge(const DataflowNode& node, Value* inputs, Outputs* outputs) {
    for (int i = 0; i < node.num_inputs; ++i) {
      if (!inputs[i].has_value()) continue;
      RETURN_IF_ERROR(PassOn(node, std::move(inputs[i]), &(*outputs)[0]));
      if (node.num_outputs < 2) return absl::OkStatus();
      ASSIGN_OR_RETURN((*outputs)[1], Value::Allocate(DT_INT32, {}, *run_.pool));
      *(*outputs)[1].mutable_data<int32_t>() = i;
      return absl::OkStatus();
    }
    return InNode(InfoOf(node), absl::InternalError("no input is alive"));
  }

  absl::Status Enter(const DataflowNode& node, FrameRun& parent, Value value, bool dead) {
    std::unique_ptr<FrameRun>& child = parent.children[node.child_frame];
    if (child == nullptr) {
      child = std::make_unique<FrameRun>();
      child->frame = node.child_frame;
      child->parent = &parent;
      child->enters_to_come = plan_.frames[node.child_frame].num_enters;
      BeginIteration(*child);
      ++parent.outstanding;
    }
    Outputs outputs;
    outputs.push_back(std::move(value));
    const int index = static_cast<int>(&node - plan_.nodes.data());
    if (node.is_constant_enter && !dead) child->invariants.emplace_back(index, outputs[0]);
    Deliver(node, *child, outputs, dead);
    --child->enters_to_come;
    return FinishIteration(child.get());
  }

  // The outputs of `node` come to its readers, which are in `frame`.
  void Deliver(const DataflowNode& node, FrameRun& frame, Outputs& outputs, bool dead) {
    for (const DataflowEdge& edge : node.readers) {
      const bool control = edge.output == kControlEdge;
      const bool dead_edge = dead || (!control && !outputs[edge.output].has_value());
      if (!control && !dead_edge) frame.inputs[edge.slot] = outputs[edge.output];
      Arrive(frame, edge.reader, control, dead_edge, node.kind == DataflowKind::kEnter);
    }
  }

  void Arrive(FrameRun& frame, int reader, bool control, bool dead, bool from_enter) {
    const DataflowNode& node = plan_.nodes[reader];
    Waiting& waiting = frame.waiting[node.place];
    --(control ? waiting.controls : waiting.data);
    if (node.kind != DataflowKind::kMerge) {
      waiting.dead += dead;
      if (waiting.data > 0 || waiting.controls > 0) return;
      Enqueue(frame, reader, waiting.dead > 0 && node.kind != DataflowKind::kControlTrigger);
      return;
    }
    if (!control) {
      waiting.dead += dead;
      waiting.has_live = waiting.has_live || !dead;
    }
    // The Merge of a loop that is never entered hears nothing from its NextIteration.
    const bool all_dead = waiting.dead == node.num_inputs || (dead && from_enter);
    if (all_dead && from_enter && !waiting.has_live) waiting.dead = node.num_inputs;
    if (waiting.queued || waiting.controls > 0) return;
    if (!waiting.has_live && waiting.dead < node.num_inputs) return;
    waiting.queued = true;
    Enqueue(frame, reader, !waiting.has_live);
  }

  // If the iteration has nothing left to do: the next one, or the end of the frame, which may end its
  // parent's iteration in turn.
  absl::Status FinishIteration(FrameRun* frame) {
    while (frame != &root_ && frame->outstanding == 0 && frame->enters_to_come == 0) {
      if (!frame->next_iteration.empty()) {
        RETURN_IF_ERROR(run_.CheckLimits());
        const std::vector<std::pair<int, Value>> values = std::exchange(frame->next_iteration, {});
        BeginIteration(*frame);
        for (const auto& [node, value] : frame->invariants) DeliverOne(*frame, node, value);
        for (const auto& [node, value] : values) DeliverOne(*frame, node, value);
        continue;
      }
      FrameRun* const parent = frame->parent;
      for (int exit : frame->dead_exits) {
        Outputs none(plan_.nodes[exit].num_outputs);
        Deliver(plan_.nodes[exit], *parent, none, /*dead=*/true);
      }
      parent->children.erase(frame->frame);
      --parent->outstanding;
      frame = parent;
    }
    return absl::OkStatus();
  }

  void DeliverOne(FrameRun& frame, int node, const Value& value) {
    Outputs outputs;
    outputs.push_back(value);
    Deliver(plan_.nodes[node], frame, outputs, /*dead=*/false);
  }

  const DataflowPlan& plan_;
  std::vector<Value> feeds_;
  RunState& run_;
  std::vector<Value> results_;
  FrameRun root_;
  std::deque<Ready> ready_;
};

}  // namespace

absl::StatusOr<std::vector<Value>> RunDataflow(const DataflowPlan& plan,
                                               const std::vector<std::string>& fetch_names,
                                               std::vector<Value> feeds, RunState& run) {
  return DataflowRun(plan, std::move(feeds), run).Run(fetch_names);
}

}  // namespace cryograph
