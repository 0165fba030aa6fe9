#include "runtime/needed_nodes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"

namespace cryograph {
namespace {

bool IsPlaceholder(absl::string_view op) {
  return op == "Placeholder" || op == "PlaceholderV2" || op == "PlaceholderWithDefault";
}

// An argument of a signature of TensorFlow 2: only calls of functions read it. TensorFlow calls these with
// tensors of any shape.
bool IsSignatureArgument(Node node) {
  const auto calls = [&](const Use& use) {
    const absl::string_view op = node.graph().node(use.user).op();
    return op == "StatefulPartitionedCall" || op == "PartitionedCall";
  };
  return !node.uses().empty() && std::all_of(node.uses().begin(), node.uses().end(), calls);
}

// What a missing kernel's line calls the type.
DataType MainType(const NodeInfo& info) {
  const DataType type = info.attr("T").Get<DataType>(DT_INVALID);
  if (type != DT_INVALID) return type;
  if (info.num_outputs() > 0) return info.output_type(0);
  return info.num_inputs() > 0 ? info.input_type(0) : DT_INVALID;
}

MissingKernel Missing(const Node& node, const NodeInfo* info, absl::string_view why) {
  MissingKernel missing;
  missing.op = std::string(node.op());
  if (info != nullptr) missing.dtype = MainType(*info);
  missing.node = std::string(node.name());
  missing.why = std::string(why);
  return missing;
}

}  // namespace

absl::Status InNode(Node node, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat("node '", node.name(), "' (", node.op(), "): ", status.message()));
}

std::string NeededNodes::TensorName(Output output) const {
  const absl::string_view name = request_.graph->node(output.node).name();
  return output.index == 0 ? std::string(name) : absl::StrCat(name, ":", output.index);
}

PlanFeed NeededNodes::DescribeFeed(size_t number) const {
  const Output output = request_.feeds[number];
  const Node node = request_.graph->node(output.node);
  PlanFeed feed;
  feed.name = TensorName(output);
  feed.dtype = feed_types_[number];
  if (IsPlaceholder(node.op()) && node.attr("shape").kind() == AttrView::kShape) {
    feed.shape = node.attr("shape").shape();
    // In graphs of before version 24 a scalar shape stands for none, which could not be said otherwise.
    if (request_.graph_version < 24 && feed.shape.dims.empty()) feed.shape.unknown_rank = true;
    if (IsSignatureArgument(node)) feed.shape.unknown_rank = true;
  }
  return feed;
}

bool NeededNodes::ControlNeeds(Node node) const {
  if (node.is_argument()) return false;
  return !(IsPlaceholder(node.op()) && fed_.contains(node.out(0)));
}

AttrView NeededNodes::Substitute(AttrView view) const {
  if (view.kind() != AttrView::kPlaceholder || request_.bindings == nullptr) return view;
  const auto& bindings = *request_.bindings;
  const auto found =
      std::lower_bound(bindings.begin(), bindings.end(), view.s(),
                       [](const auto& entry, absl::string_view key) { return entry.first < key; });
  return found != bindings.end() && found->first == view.s() ? AttrView(found->second) : view;
}

absl::StatusOr<std::unique_ptr<NodeInfo>> NeededNodes::Describe(Node node) const {
  const OpSchema* schema = ops_.Find(node.op());
  if (schema == nullptr) return absl::UnimplementedError("no op of that name is known");
  std::vector<std::pair<absl::string_view, AttrView>> attrs;
  node.GetAttrs(&attrs);
  for (auto& [key, value] : attrs) value = Substitute(value);
  auto info = std::make_unique<NodeInfo>(node.name(), node.op(), schema, std::move(attrs));
  RETURN_IF_ERROR(info->CheckAttrs());
  RETURN_IF_ERROR(info->FindTypes());
  if (info->num_inputs() != node.num_inputs()) {
    return absl::InvalidArgumentError(
        absl::StrCat("it has ", node.num_inputs(), " inputs instead of ", info->num_inputs()));
  }
  return info;
}

absl::Status NeededNodes::ResolveInputs(NeededNode& needed) const {
  const Node node = needed.node;
  Graph& graph = *request_.graph;
  for (int i = 0; i < node.num_inputs(); ++i) {
    Output input = node.input(i);
    const Node producer = graph.node(input.node);
    if (graph.is_function() && !producer.is_argument() && !producer.is_missing()) {
      const OpSchema* schema = ops_.Find(producer.op());
      if (schema == nullptr) {
        input.index = 0;  // Reported as missing when the producer's turn comes.
      } else {
        const absl::StatusOr<int64_t> index = FlatOutputIndex(
            *schema, [&](absl::string_view key) { return Substitute(AttrOrDefault(*schema, producer, key)); },
            graph.PortText(input.index));
        if (!index.ok()) return InNode(producer, index.status());
        input.index = static_cast<int32_t>(*index);
      }
    }
    needed.inputs.push_back(input);
  }
  return absl::OkStatus();
}

absl::Status NeededNodes::CheckTypes() {
  absl::flat_hash_map<NodeId, const NodeInfo*> infos;
  for (const NeededNode& needed : nodes_) infos.emplace(needed.node.id(), needed.info.get());
  for (const NeededNode& needed : nodes_) {
    for (size_t i = 0; i < needed.inputs.size(); ++i) {
      const Output input = needed.inputs[i];
      const DataType wanted = needed.info->input_type(static_cast<int>(i));
      DataType given = DT_INVALID;
      if (IsFed(input)) {
        DataType& fed = feed_types_[FeedNumber(input)];
        if (fed == DT_INVALID) fed = wanted;
        given = fed;
      } else if (const NodeInfo* producer = infos.at(input.node); input.index < producer->num_outputs()) {
        given = producer->output_type(input.index);
      } else {
        return InNode(needed.node, absl::InvalidArgumentError(absl::StrCat(
                                       "input ", i, " is '", TensorName(input), "', which does not exist")));
      }
      if (BaseType(given) == BaseType(wanted) && (!IsRefType(wanted) || IsRefType(given))) continue;
      return InNode(needed.node, absl::InvalidArgumentError(absl::StrCat(
                                     "input ", i, ", '", TensorName(input), "', is ", DataTypeName(given),
                                     ", but must be ", DataTypeName(wanted))));
    }
  }
  return absl::OkStatus();
}

absl::Status NeededNodes::Find() {
  for (size_t i = 0; i < request_.feeds.size(); ++i) {
    if (!request_.feed_types.empty()) {
      feed_types_.push_back(request_.feed_types[i]);
    } else {
      const absl::StatusOr<DataType> type = ops_.OutputType(*request_.graph, request_.feeds[i]);
      feed_types_.push_back(type.ok() ? *type : DT_INVALID);
    }
    if (fed_.emplace(request_.feeds[i], static_cast<int>(i)).second) continue;
    return absl::InvalidArgumentError(absl::StrCat("'", TensorName(request_.feeds[i]), "' is fed twice"));
  }
  Graph& graph = *request_.graph;
  // Depth first without recursion: a graph can be deep. The edges into a Merge from a NextIteration are
  // followed when all else is done.
  enum State : uint8_t { kNew, kOpen, kDone };
  std::vector<uint8_t> states(graph.id_limit(), kNew);
  struct Step {
    NeededNode needed;
    size_t next = 0;
  };
  std::vector<Step> stack;
  std::vector<NodeId> roots;
  const auto visit = [&](Node node) -> absl::Status {
    if (node.is_missing()) {
      const absl::Status status =
          absl::InvalidArgumentError(absl::StrCat("the graph has no node '", node.name(), "'"));
      return stack.empty() ? status : InNode(stack.back().needed.node, status);
    }
    if (node.is_argument()) {
      return absl::InvalidArgumentError(absl::StrCat("argument '", node.name(), "' has no value"));
    }
    uint8_t& state = states[static_cast<uint32_t>(node.id())];
    if (state == kDone) return absl::OkStatus();
    if (state == kOpen)
      return InNode(node, absl::InvalidArgumentError("it is part of a cycle that is no loop"));
    state = kOpen;
    Step step;
    step.needed.node = node;
    has_control_flow_ = has_control_flow_ || IsControlFlow(node.op());
    RETURN_IF_ERROR(ResolveInputs(step.needed));
    for (const ControlEdge& edge : node.control_inputs()) {
      const Node control = graph.node(edge.node);
      if (control.is_missing()) {
        return InNode(node, absl::InvalidArgumentError(absl::StrCat("it waits for '", control.name(),
                                                                    "', which the graph does not have")));
      }
      if (ControlNeeds(control)) step.needed.control_inputs.push_back(edge.node);
    }
    stack.push_back(std::move(step));
    return absl::OkStatus();
  };
  for (Output output : request_.fetches) {
    if (!IsFed(output)) roots.push_back(output.node);
  }
  for (NodeId target : request_.targets) {
    if (ControlNeeds(graph.node(target))) roots.push_back(target);
  }
  for (size_t i = 0; i < roots.size(); ++i) {
    RETURN_IF_ERROR(visit(graph.node(roots[i])));
    while (!stack.empty()) {
      Step& step = stack.back();
      const size_t next = step.next++;
      const size_t num_inputs = step.needed.inputs.size();
      if (next < num_inputs) {
        const Output input = step.needed.inputs[next];
        if (IsFed(input)) continue;
        const Node producer = graph.node(input.node);
        if (IsMerge(step.needed.node.op()) && IsNextIteration(producer.op())) {
          roots.push_back(input.node);
        } else {
          RETURN_IF_ERROR(visit(producer));
        }
      } else if (next < num_inputs + step.needed.control_inputs.size()) {
        RETURN_IF_ERROR(visit(graph.node(step.needed.control_inputs[next - num_inputs])));
      } else {
        states[static_cast<uint32_t>(step.needed.node.id())] = kDone;
        nodes_.push_back(std::move(step.needed));
        stack.pop_back();
      }
    }
  }
  return absl::OkStatus();
}

absl::Status NeededNodes::PrepareFunctions(const NodeInfo& info, FunctionSource& functions,
                                           MissingKernels* missing) const {
  const auto prepare = [&](const FunctionRef& function) {
    if (!functions.Has(function.name)) return absl::OkStatus();  // An error only if it is called.
    return functions.Prepare(function, missing);
  };
  for (const auto& [key, value] : info.attrs()) {
    if (value.kind() == AttrView::kFunc) {
      FunctionRef function;
      RETURN_IF_ERROR(info.Attr(key, &function));
      RETURN_IF_ERROR(prepare(function));
    } else if (value.kind() == AttrView::kList && !value.list_func().empty()) {
      std::vector<FunctionRef> list;
      RETURN_IF_ERROR(info.Attr(key, &list));
      for (const FunctionRef& function : list) RETURN_IF_ERROR(prepare(function));
    }
  }
  return absl::OkStatus();
}

absl::Status NeededNodes::FindKernels(FunctionSource& functions, MissingKernels* missing) {
  for (NeededNode& needed : nodes_) {
    const Node node = needed.node;
    absl::StatusOr<std::unique_ptr<NodeInfo>> info = Describe(node);
    absl::Status status = info.status();
    if (info.ok()) {
      needed.info = *std::move(info);
      const bool is_gradient =
          node.op() == "SymbolicGradient";  // A function that is made when it is planned.
      const bool is_function = functions.Has(node.op());
      const KernelFactory factory = FindKernel(is_function ? "PartitionedCall" : node.op());
      if (IsControlFlow(node.op()) || node.op() == "Const") {
        // The planner's own.
      } else if (factory == nullptr) {
        status = absl::UnimplementedError("no kernel");
      } else {
        needed.kernel = factory();
        status = needed.kernel->Init(*needed.info);
      }
      if (status.ok() && (is_function || is_gradient)) {
        status = functions.Prepare(needed.info->AsFunction(), missing);
      } else if (status.ok()) {
        status = PrepareFunctions(*needed.info, functions, missing);
      }
    }
    if (absl::IsUnimplemented(status)) {
      missing->Add(Missing(node, needed.info.get(), status.message()));
    } else if (!status.ok()) {
      return InNode(node, status);
    }
  }
  return absl::OkStatus();
}

}  // namespace cryograph
