#include "transforms/freeze_body.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"
#include "graph/frames.h"

namespace cryograph {
namespace {

// ":output:3" → 3; 0 where no number stands.
int ListIndex(absl::string_view port) {
  const size_t colon = port.rfind(':');
  int index = 0;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(port.substr(colon + 1), &index)) return 0;
  return std::max(index, 0);
}

void KeepAttrs(Graph& graph, Node node, std::initializer_list<absl::string_view> keys) {
  std::vector<std::string> gone;
  for (absl::string_view key : node.attr_keys()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) gone.emplace_back(key);
  }
  for (const std::string& key : gone) graph.RemoveAttr(node, key);
}

}  // namespace

const FrozenArgument* FrozenBody::Of(Output output) const {
  // A While hands on what it is handed; one after the other is a chain.
  for (uint32_t step = 0; step <= body_->id_limit(); ++step) {
    const Node node = body_->node(output.node);
    if (node.is_argument()) {
      const auto position = positions_.find(node.name());
      if (position == positions_.end()) return nullptr;
      const auto argument = arguments_->find(position->second);
      return argument == arguments_->end() ? nullptr : &argument->second;
    }
    if (const auto found = carried_.find(output.node); found != carried_.end()) {
      return absl::StartsWith(body_->PortText(output.index), ":value_index") ? nullptr : &found->second;
    }
    if (!body_->alive(output.node) || functions_->Kind(node) != CallKind::kWhile) return nullptr;
    const int index = ListIndex(body_->PortText(output.index));
    if (index >= node.num_inputs()) return nullptr;
    output = node.input(index);
  }
  return nullptr;
}

absl::StatusOr<FrozenBody> FrozenBody::Follow(const FunctionTable& functions, const FunctionParts& parts,
                                              Graph& body, const FrozenArguments& arguments) {
  FrozenBody result(functions, parts, body, arguments);
  int position = 0;
  for (const ArgSchema& arg : parts.signature.inputs) {
    if ((!arg.number_attr.empty() || !arg.type_list_attr.empty()) && !arguments.empty()) {
      return absl::UnimplementedError(
          absl::StrCat("function '", parts.signature.name, "': its argument '", arg.name,
                       "' is a list; functions with such arguments cannot be handed variables"));
    }
    result.positions_.emplace(arg.name, position++);
  }
  // Arguments are in no NodeRange: the edges lead to them.
  std::vector<NodeId> work;
  for (Node node : body.nodes()) {
    for (const InputEdge& edge : node.inputs()) {
      if (body.node(edge.node).is_argument()) work.push_back(edge.node);
    }
  }
  std::sort(work.begin(), work.end());
  work.erase(std::unique(work.begin(), work.end()), work.end());
  absl::flat_hash_map<NodeId, bool> done;
  while (!work.empty()) {
    const NodeId id = work.back();
    work.pop_back();
    const std::vector<Use> uses(body.node(id).uses().begin(), body.node(id).uses().end());
    for (const Use& use : uses) {
      if (use.slot == kControl) continue;
      const Node user = body.node(use.user);
      const FrozenArgument* variable = result.Of(user.input(use.slot));
      if (variable == nullptr) continue;
      const FrozenArgument copy = *variable;  // carried_ may move.
      RETURN_IF_ERROR(result.FollowUse(user, use.slot, copy, &work));
    }
  }
  // In the body's order, whatever the order of the walk.
  std::sort(result.readers_.begin(), result.readers_.end());
  result.readers_.erase(std::unique(result.readers_.begin(), result.readers_.end()), result.readers_.end());
  for (Node node : body.nodes()) {
    const auto inputs = result.call_inputs_.find(node.id());
    if (inputs == result.call_inputs_.end()) continue;
    FrozenCall call;
    call.node = node;
    call.kind = functions.Kind(node);
    call.inputs = inputs->second;
    result.calls_.push_back(std::move(call));
  }
  return result;
}

absl::Status FrozenBody::FollowUse(Node user, int slot, const FrozenArgument& variable,
                                   std::vector<NodeId>* work) {
  const FreezeOp type = ClassifyForFreezing(user.op());
  switch (type) {
    case FreezeOp::kForward:
      if (slot != 0 && !IsMerge(user.op())) break;
      readers_.push_back(user.id());
      if (carried_.emplace(user.id(), variable).second) work->push_back(user.id());
      return absl::OkStatus();
    case FreezeOp::kRead:
    case FreezeOp::kGather:
    case FreezeOp::kGatherNd:
    case FreezeOp::kShape:
    case FreezeOp::kIsInitialized:
    case FreezeOp::kRelease:
      readers_.push_back(user.id());
      return absl::OkStatus();
    default:
      break;
  }
  if (const CallKind kind = functions_->Kind(user); kind != CallKind::kNone) {
    const bool fresh = call_inputs_[user.id()].emplace(slot, variable).second;
    if (fresh && kind == CallKind::kWhile) work->push_back(user.id());
    return absl::OkStatus();
  }
  const OpSchema* schema = functions_->registry().Find(user.op());
  const bool has_data_readers = std::any_of(user.uses().begin(), user.uses().end(),
                                            [](const Use& use) { return use.slot != kControl; });
  if (schema != nullptr && schema->outputs.empty() && schema->is_stateful && !has_data_readers) {
    if (std::count(readers_.begin(), readers_.end(), user.id()) == 0) ++num_updates_;
    readers_.push_back(user.id());
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("function '", parts_->signature.name, "': node '", user.name(), "' (", user.op(),
                   ") takes a variable itself, and a frozen graph has none (CG132)\n"
                   "try: --functions=lower (in a spec: functions=lower) says which, with the way to it"));
}

const FrozenArgument* FrozenBody::Returned(absl::string_view reference) const {
  const absl::string_view name = reference.substr(0, reference.find(':'));
  if (const auto position = positions_.find(name); position != positions_.end()) {
    const auto argument = arguments_->find(position->second);
    return argument == arguments_->end() ? nullptr : &argument->second;
  }
  const Node node = body_->Find(name);
  if (!node) return nullptr;
  if (const auto found = carried_.find(node.id()); found != carried_.end()) return &found->second;
  if (functions_->Kind(node) != CallKind::kWhile) return nullptr;
  const int index = ListIndex(reference);
  return index < node.num_inputs() ? Of(node.input(index)) : nullptr;
}

std::string FrozenBody::NewReference(absl::string_view reference) const {
  const absl::string_view name = reference.substr(0, reference.find(':'));
  const Node node = body_->Find(name);
  if (node && std::binary_search(readers_.begin(), readers_.end(), node.id())) {
    const FreezeOp type = ClassifyForFreezing(node.op());
    if (type == FreezeOp::kRead || type == FreezeOp::kIsInitialized) return absl::StrCat(name, ":output:0");
  }
  return std::string(reference);
}

// In place; readers of its one output say ":output:0" from now on.
void FrozenBody::Become(Node node, absl::string_view op, absl::string_view old_port) {
  KeepAttrs(*body_, node, {"_class"});
  body_->SetOp(node, op);
  if (old_port == "output") return;
  const int32_t port = body_->PortIndex(":output:0");
  const std::vector<Use> uses(node.uses().begin(), node.uses().end());
  for (const Use& use : uses) {
    if (use.slot != kControl) body_->SetInput(body_->node(use.user), use.slot, {node.id(), port});
  }
}

absl::Status FrozenBody::RewriteGather(Node node, DataType dtype) {
  if (node.num_inputs() != 2) {
    return absl::InvalidArgumentError(absl::StrCat("node '", node.name(), "' (", node.op(), ") has ",
                                                   node.num_inputs(), " inputs and not 2"));
  }
  const DataType indices = node.attr("Tindices", DT_INT32);
  const int64_t batch_dims = node.attr("batch_dims", int64_t{0});
  Become(node, "GatherV2", "output");
  body_->SetAttr(node, "Tparams", AttrType(dtype));
  body_->SetAttr(node, "Tindices", AttrType(indices));
  body_->SetAttr(node, "Taxis", AttrType(indices));
  if (batch_dims != 0) body_->SetAttr(node, "batch_dims", AttrInt(batch_dims));
  const Tensor value = indices == DT_INT64
                           ? Tensor::Of<int64_t>(DT_INT64, {}, {batch_dims})
                           : Tensor::Of<int32_t>(DT_INT32, {}, {static_cast<int32_t>(batch_dims)});
  const Node axis = body_->AddConst(absl::StrCat(node.name(), "/axis"), value, node);
  // In a body with loops of its own the constant must be in the node's frame.
  const Node indices_node = node.input_node(1);
  if (!indices_node.is_argument() && !IsSwitch(indices_node.op())) body_->AddControlInput(axis, indices_node);
  body_->AddInput(node, {axis.id(), body_->PortIndex(":output:0")});
  return absl::OkStatus();
}

absl::Status FrozenBody::BecomeTrue(Node node) {
  while (node.num_inputs() > 0) body_->RemoveInput(node, node.num_inputs() - 1);
  Become(node, "Const", "is_initialized");
  KeepAttrs(*body_, node, {});
  body_->SetAttr(node, "dtype", AttrType(DT_BOOL));
  ASSIGN_OR_RETURN(const std::string proto,
                   EncodeTensorProto(Tensor::Of<uint8_t>(DT_BOOL, {}, {uint8_t{1}})));
  body_->SetAttr(node, "value", AttrTensor(proto));
  return absl::OkStatus();
}

absl::Status FrozenBody::Rewrite() {
  for (NodeId id : readers_) {
    const Node node = body_->node(id);
    const FreezeOp type = ClassifyForFreezing(node.op());
    const FrozenArgument* variable = node.num_inputs() > 0 ? Of(node.input(0)) : nullptr;
    const DataType dtype = variable != nullptr ? node.attr("dtype", variable->dtype) : DT_INVALID;
    switch (type) {
      case FreezeOp::kForward:
        body_->SetAttr(node, "T", AttrType(carried_[id].dtype));
        body_->RemoveAttr(node, "_output_shapes");
        break;
      case FreezeOp::kRead:
        Become(node, "Identity", "value");
        body_->SetAttr(node, "T", AttrType(dtype));
        break;
      case FreezeOp::kGather:
        RETURN_IF_ERROR(RewriteGather(node, dtype));
        break;
      case FreezeOp::kGatherNd: {
        const DataType indices = node.attr("Tindices", DT_INT32);
        Become(node, "GatherNd", "output");
        body_->SetAttr(node, "Tparams", AttrType(dtype));
        body_->SetAttr(node, "Tindices", AttrType(indices));
        break;
      }
      case FreezeOp::kShape: {
        const DataType out_type = node.attr("out_type", DT_INT32);
        const DataType value = variable != nullptr ? variable->dtype : DT_FLOAT;
        Become(node, "Shape", "output");
        body_->SetAttr(node, "T", AttrType(value));
        body_->SetAttr(node, "out_type", AttrType(out_type));
        break;
      }
      case FreezeOp::kIsInitialized:
        RETURN_IF_ERROR(BecomeTrue(node));
        break;
      default:  // An update, or a release: nothing is left to do.
        while (node.num_inputs() > 0) body_->RemoveInput(node, node.num_inputs() - 1);
        KeepAttrs(*body_, node, {});
        body_->SetOp(node, "NoOp");
        break;
    }
  }
  return absl::OkStatus();
}

}  // namespace cryograph
