#include "runtime/planner.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"

namespace cryograph {
namespace {

// Folded results above this size are computed in each run rather than kept.
constexpr uint64_t kMaxFoldedBytes = 64 << 20;

class Planner {
 public:
  Planner(Graph& graph, const OpRegistry& ops, const PlannerRequest& request, bool fold_constants, bool fuse,
          RunState& run)
      : graph_(graph),
        ops_(ops),
        request_(request),
        fold_constants_(fold_constants),
        fuse_(fuse),
        run_(run) {}

  absl::StatusOr<std::unique_ptr<GraphPlan>> Make() {
    for (size_t i = 0; i < request_.feeds.size(); ++i) {
      const Output output = request_.feeds[i];
      if (!slots_.emplace(output, static_cast<int>(i)).second) {
        return absl::InvalidArgumentError(absl::StrCat("'", TensorName(output), "' is fed twice"));
      }
      RETURN_IF_ERROR(AddFeed(output));
    }
    RETURN_IF_ERROR(Order());
    RETURN_IF_ERROR(FindKernels());
    CountUses();
    RETURN_IF_ERROR(AddSteps());
    RETURN_IF_ERROR(PrepareSteps());
    for (Output output : request_.fetches) plan_->fetches.push_back(final_slot(slots_.at(output)));
    Number();
    return std::move(plan_);
  }

 private:
  struct Entry {
    Node node;
    std::unique_ptr<NodeInfo> info;
    std::unique_ptr<Kernel> kernel;
  };

  std::string TensorName(Output output) {
    const absl::string_view name = graph_.node(output.node).name();
    return output.index == 0 ? std::string(name) : absl::StrCat(name, ":", output.index);
  }

  absl::Status InNode(Node node, const absl::Status& status) const {
    return absl::Status(status.code(),
                        absl::StrCat("node '", node.name(), "' (", node.op(), "): ", status.message()));
  }

  absl::StatusOr<std::unique_ptr<NodeInfo>> Describe(Node node) const {
    const OpSchema* schema = ops_.Find(node.op());
    if (schema == nullptr) return absl::UnimplementedError("no op of that name is known");
    std::vector<std::pair<absl::string_view, AttrView>> attrs;
    node.GetAttrs(&attrs);
    ASSIGN_OR_RETURN(std::vector<DataType> inputs, cryograph::InputTypes(*schema, node));
    ASSIGN_OR_RETURN(std::vector<DataType> outputs, cryograph::OutputTypes(*schema, node));
    if (static_cast<int>(inputs.size()) != node.num_inputs()) {
      return absl::InvalidArgumentError(
          absl::StrCat("it has ", node.num_inputs(), " inputs instead of ", inputs.size()));
    }
    return std::make_unique<NodeInfo>(node.name(), node.op(), schema, std::move(attrs), std::move(inputs),
                                      std::move(outputs));
  }

  absl::Status AddFeed(Output output) {
    const Node node = graph_.node(output.node);
    PlanFeed feed;
    feed.name = TensorName(output);
    feed.shape.unknown_rank = true;
    if (absl::StatusOr<DataType> dtype = ops_.OutputType(graph_, output); dtype.ok()) feed.dtype = *dtype;
    if (node.op() == "Placeholder" || node.op() == "PlaceholderV2") {
      if (node.attr("shape").kind() == AttrView::kShape) feed.shape = node.attr("shape").shape();
    }
    plan_->feeds.push_back(std::move(feed));
    return absl::OkStatus();
  }

  // True if running the graph must run `node` for the sake of this control edge from it.
  bool ControlNeeds(Node node) const {
    const bool placeholder =
        node.op() == "Placeholder" || node.op() == "PlaceholderV2" || node.op() == "PlaceholderWithDefault";
    return !(placeholder && slots_.contains(node.out(0)));
  }

  // Puts what is needed into entries_, producers first. Without recursion: a graph can be deep.
  absl::Status Order() {
    enum State : uint8_t { kNew, kOpen, kDone };
    std::vector<uint8_t> states(graph_.id_limit(), kNew);
    std::vector<std::pair<Node, int>> stack;
    const auto visit = [&](Node node) -> absl::Status {
      uint8_t& state = states[static_cast<uint32_t>(node.id())];
      if (state == kDone) return absl::OkStatus();
      if (state == kOpen) return InNode(node, absl::InvalidArgumentError("it is part of a cycle"));
      state = kOpen;
      stack.emplace_back(node, 0);
      return absl::OkStatus();
    };
    const auto run = [&](Node root) -> absl::Status {
      RETURN_IF_ERROR(visit(root));
      while (!stack.empty()) {
        const Node node = stack.back().first;
        if (node.is_missing()) {
          return absl::InvalidArgumentError(absl::StrCat("the graph has no node '", node.name(), "'"));
        }
        const int next = stack.back().second++;
        const int num_inputs = node.num_inputs();
        if (next < num_inputs) {
          if (!slots_.contains(node.input(next))) RETURN_IF_ERROR(visit(node.input_node(next)));
        } else if (next < num_inputs + static_cast<int>(node.control_inputs().size())) {
          const Node control = graph_.node(node.control_inputs()[next - num_inputs].node);
          if (ControlNeeds(control)) RETURN_IF_ERROR(visit(control));
        } else {
          states[static_cast<uint32_t>(node.id())] = kDone;
          entries_.push_back({node, nullptr, nullptr});
          stack.pop_back();
        }
      }
      return absl::OkStatus();
    };
    for (Output output : request_.fetches) {
      if (!slots_.contains(output)) RETURN_IF_ERROR(run(graph_.node(output.node)));
    }
    for (NodeId target : request_.targets) {
      if (ControlNeeds(graph_.node(target))) RETURN_IF_ERROR(run(graph_.node(target)));
    }
    return absl::OkStatus();
  }

  absl::Status FindKernels() {
    std::vector<std::string> missing;
    for (Entry& entry : entries_) {
      const Node node = entry.node;
      absl::Status status;
      if (absl::StatusOr<std::unique_ptr<NodeInfo>> info = Describe(node); info.ok()) {
        entry.info = *std::move(info);
        if (node.op() == "Const") continue;
        if (const KernelFactory factory = FindKernel(node.op()); factory == nullptr) {
          status = absl::UnimplementedError("no kernel");
        } else {
          entry.kernel = factory();
          status = entry.kernel->Init(*entry.info);
        }
      } else {
        status = info.status();
      }
      if (absl::IsUnimplemented(status)) {
        const DataType dtype = entry.info == nullptr ? DT_INVALID : MainType(*entry.info);
        missing.push_back(absl::StrCat(node.op(),
                                       dtype == DT_INVALID ? "" : absl::StrCat("(", DataTypeName(dtype), ")"),
                                       " of node '", node.name(), "': ", status.message()));
      } else if (!status.ok()) {
        return InNode(node, status);
      }
    }
    if (missing.empty()) return absl::OkStatus();
    return absl::UnimplementedError(
        absl::StrCat("cannot run ", missing[0], missing.size() == 1 ? "" : "\nalso missing: ",
                     absl::StrJoin(missing.begin() + 1, missing.end(), "\nalso missing: ")));
  }

  static DataType MainType(const NodeInfo& info) {
    const DataType type = info.attr("T").Get<DataType>(DT_INVALID);
    if (type != DT_INVALID) return type;
    if (info.num_outputs() > 0) return info.output_type(0);
    return info.num_inputs() > 0 ? info.input_type(0) : DT_INVALID;
  }

  // Slots while planning: feeds are 0 …, constants kConstants …, outputs of steps behind them.
  static constexpr int kConstants = 1 << 29;
  static constexpr int kOutputs = 1 << 30;
  int final_slot(int slot) const {
    const int feeds = static_cast<int>(plan_->feeds.size());
    const int constants = static_cast<int>(plan_->constants.size());
    if (slot >= kOutputs) return slot - kOutputs + feeds + constants;
    if (slot >= kConstants) return slot - kConstants + feeds;
    return slot;
  }
  const Value* ConstantOf(int slot) const {
    return slot >= kConstants && slot < kOutputs ? &plan_->constants[slot - kConstants] : nullptr;
  }

  void AddConstant(Output output, Value value) {
    if (!slots_.emplace(output, kConstants + static_cast<int>(plan_->constants.size())).second)
      return;  // Fed.
    plan_->constants.push_back(std::move(value));
  }

  absl::Status AddSteps() {
    for (Entry& entry : entries_) {
      const Node node = entry.node;
      if (node.op() == "Const") {
        absl::StatusOr<Tensor> tensor = node.constant();
        if (!tensor.ok()) return InNode(node, tensor.status());
        absl::StatusOr<Value> value = Value::FromTensor(*tensor, *run_.pool);
        if (!value.ok()) return InNode(node, value.status());
        AddConstant(node.out(0), *std::move(value));
        continue;
      }
      if (absl::Status status = AddStep(entry); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  void CountUses() {
    for (const Entry& entry : entries_) {
      for (int i = 0; i < entry.node.num_inputs(); ++i) ++uses_[entry.node.input(i)];
    }
    for (Output output : request_.fetches) ++uses_[output];
  }

  // Makes `node` part of the step that computes its input, if that kernel can: see Kernel::FuseReader(). The
  // step moves to where `node` would be, since it now needs the other inputs of `node`, too.
  bool Fuse(Node node, const PlanStep& reader, absl::Span<const Value* const> reader_constants) {
    if (!node.control_inputs().empty() || reader.node->num_outputs() == 0) return false;
    for (int k = 1; k < reader.node->num_outputs(); ++k) {
      if (uses_.contains(node.out(k))) return false;
    }
    for (size_t i = 0; i < reader.inputs.size(); ++i) {
      const int slot = reader.inputs[i];
      if (slot < kOutputs || uses_[node.input(static_cast<int>(i))] != 1) continue;
      const int index = step_of_output_[slot - kOutputs];
      PlanStep& step = plan_->steps[index];
      if (step.first_output != slot || step.node->num_outputs() != 1) continue;
      std::vector<const Value*> constants;
      for (int input : step.inputs) constants.push_back(ConstantOf(input));
      if (!step.kernel->FuseReader(*reader.node, static_cast<int>(i), constants, reader_constants)) continue;
      for (size_t k = 0; k < reader.inputs.size(); ++k) {
        if (k != i && reader_constants[k] == nullptr) step.inputs.push_back(reader.inputs[k]);
      }
      AddOutputs(node, 1, step);
      PlanStep moved = std::move(step);
      plan_->steps.push_back(std::move(moved));
      return true;
    }
    return false;
  }

  // Drops steps that compute an input of `step` alone, as far as its kernel does their work: see
  // Kernel::FuseProducer().
  void FuseProducers(Node node, PlanStep& step) {
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const int slot = step.inputs[i];
      if (slot < kOutputs || uses_[node.input(static_cast<int>(i))] != 1) continue;
      PlanStep& producer = plan_->steps[step_of_output_[slot - kOutputs]];
      if (producer.kernel == nullptr || producer.node->num_outputs() != 1 || producer.inputs.empty())
        continue;
      if (!node.input_node(static_cast<int>(i)).control_inputs().empty()) continue;
      std::vector<const Value*> constants;
      for (int input : producer.inputs) constants.push_back(ConstantOf(input));
      if (!step.kernel->FuseProducer(static_cast<int>(i), *producer.node, constants)) continue;
      step.inputs[i] = producer.inputs[0];
      producer.kernel = nullptr;
    }
  }

  // Slots for the outputs of a step that is about to become the last one.
  void AddOutputs(Node node, int count, PlanStep& step) {
    step.first_output = kOutputs + num_output_slots_;
    for (int i = 0; i < count; ++i) slots_.emplace(node.out(i), step.first_output + i);
    step_of_output_.resize(num_output_slots_ + count, static_cast<int>(plan_->steps.size()));
    num_output_slots_ += count;
  }

  // Drops the steps that moved, and has the others prepare.
  absl::Status PrepareSteps() {
    auto& steps = plan_->steps;
    steps.erase(std::remove_if(steps.begin(), steps.end(),
                               [](const PlanStep& step) { return step.kernel == nullptr; }),
                steps.end());
    for (PlanStep& step : steps) {
      if (!step.prepared) RETURN_IF_ERROR(Prepare(step));
    }
    return absl::OkStatus();
  }

  absl::Status Prepare(PlanStep& step) {
    std::vector<const Value*> constants;
    for (int slot : step.inputs) constants.push_back(ConstantOf(slot));
    PrepareContext context(constants, *run_.pool, run_.threads);
    const absl::Status status = step.kernel->Prepare(context);
    step.prepared = true;
    if (status.ok()) return status;
    return absl::Status(status.code(), absl::StrCat("node '", step.node->name(), "' (", step.node->op(),
                                                    "): ", status.message()));
  }

  absl::Status AddStep(Entry& entry) {
    const Node node = entry.node;
    PlanStep step;
    step.node = std::move(entry.info);
    step.kernel = std::move(entry.kernel);
    bool all_constant = true;
    std::vector<const Value*> constants;
    for (int i = 0; i < node.num_inputs(); ++i) {
      const auto found = slots_.find(node.input(i));
      if (found == slots_.end()) {
        return InNode(
            node, absl::InvalidArgumentError(absl::StrCat("input ", i, " reads '", TensorName(node.input(i)),
                                                          "', which does not exist")));
      }
      step.inputs.push_back(found->second);
      constants.push_back(ConstantOf(found->second));
      all_constant = all_constant && constants.back() != nullptr;
    }
    const int num_outputs = step.node->num_outputs();
    if (fold_constants_ && all_constant && num_outputs > 0 && CanFold(*step.node)) {
      RETURN_IF_ERROR(Prepare(step));
      std::vector<Value> outputs(num_outputs);
      std::vector<Value*> inputs;
      for (const Value* constant : constants) inputs.push_back(const_cast<Value*>(constant));
      RETURN_IF_ERROR(RunStep(step, inputs, absl::MakeSpan(outputs), run_));
      uint64_t bytes = 0;
      for (const Value& output : outputs) bytes += output.num_bytes();
      if (bytes <= kMaxFoldedBytes) {
        for (int i = 0; i < num_outputs; ++i) AddConstant(node.out(i), std::move(outputs[i]));
        return absl::OkStatus();
      }
    }
    if (fuse_ && Fuse(node, step, constants)) return absl::OkStatus();
    if (fuse_) FuseProducers(node, step);
    AddOutputs(node, num_outputs, step);
    plan_->steps.push_back(std::move(step));
    return absl::OkStatus();
  }

  static bool CanFold(const NodeInfo& info) {
    if (info.schema() == nullptr || info.schema()->is_stateful || info.schema()->is_function) return false;
    for (DataType type : info.output_types()) {
      if (type == DT_RESOURCE || type == DT_VARIANT || IsRefType(type)) return false;
    }
    return info.op() != "Placeholder" && info.op() != "PlaceholderWithDefault";
  }

  // Final slot numbers, and which step is the last to read each of them.
  void Number() {
    const int first_output = final_slot(kOutputs);
    plan_->num_slots = first_output + num_output_slots_;
    std::vector<int> last_reader(plan_->num_slots, -1);
    for (size_t i = 0; i < plan_->steps.size(); ++i) {
      PlanStep& step = plan_->steps[i];
      step.first_output = final_slot(step.first_output);
      for (int& slot : step.inputs) {
        slot = final_slot(slot);
        last_reader[slot] = static_cast<int>(i);
      }
      // An output that nobody reads goes at once.
      for (int k = 0; k < step.node->num_outputs(); ++k)
        last_reader[step.first_output + k] = static_cast<int>(i);
    }
    for (int slot : plan_->fetches) last_reader[slot] = -1;
    for (int slot = first_output; slot < plan_->num_slots; ++slot) {
      if (last_reader[slot] >= 0) plan_->steps[last_reader[slot]].release.push_back(slot);
    }
    for (size_t i = 0; i < plan_->steps.size(); ++i) {
      PlanStep& step = plan_->steps[i];
      for (size_t k = 0; k < step.inputs.size() && k < 64; ++k) {
        const int slot = step.inputs[k];
        const bool once = std::count(step.inputs.begin(), step.inputs.end(), slot) == 1;
        if (once && slot >= first_output && last_reader[slot] == static_cast<int>(i)) {
          step.last_uses |= uint64_t{1} << k;
        }
      }
    }
  }

  Graph& graph_;
  const OpRegistry& ops_;
  const PlannerRequest& request_;
  const bool fold_constants_, fuse_;
  RunState& run_;
  std::unique_ptr<GraphPlan> plan_ = std::make_unique<GraphPlan>();
  std::vector<Entry> entries_;
  absl::flat_hash_map<Output, int> slots_;
  absl::flat_hash_map<Output, int> uses_;  // How often an output is wanted: inputs of entries_, and fetches.
  std::vector<int> step_of_output_;        // Which step writes an output slot.
  int num_output_slots_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GraphPlan>> MakeGraphPlan(Graph& graph, const OpRegistry& ops,
                                                         const PlannerRequest& request, bool fold_constants,
                                                         bool fuse, RunState& run) {
  return Planner(graph, ops, request, fold_constants, fuse, run).Make();
}

}  // namespace cryograph
