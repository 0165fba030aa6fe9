#include "transforms/function_table.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"

namespace cryograph {
namespace {

// Stateful ops that change nothing: to leave one out when nobody wants its output is no difference.
bool OnlyReads(absl::string_view op) {
  static const auto* const reads = new absl::flat_hash_set<absl::string_view>({
      "ReadVariableOp",
      "ResourceGather",
      "ResourceGatherNd",
      "VariableShape",
      "VarIsInitializedOp",
      "IsVariableInitialized",
      "VarHandleOp",
      "_VarHandlesOp",
      "_ReadVariablesOp",
      "Variable",
      "VariableV2",
      "AutoReloadVariable",
      "DisableCopyOnRead",
      "Placeholder",
      "PlaceholderV2",
      "HashTable",
      "HashTableV2",
      "MutableHashTable",
      "MutableHashTableV2",
      "MutableHashTableOfTensors",
      "MutableHashTableOfTensorsV2",
      "MutableDenseHashTable",
      "MutableDenseHashTableV2",
      "LookupTableFind",
      "LookupTableFindV2",
      "LookupTableSize",
      "LookupTableSizeV2",
      "LookupTableExport",
      "LookupTableExportV2",
      "TensorArrayReadV3",
      "TensorArrayGatherV3",
      "TensorArraySizeV3",
      "TensorArrayConcatV3",
      "TensorArrayV3",
      "StatelessWhile",
      "StatelessIf",
      "StatelessCase",
      "PartitionedCall",
  });
  if (reads->contains(op)) return true;
  // Random numbers that nobody reads.
  return absl::StartsWith(op, "Random") || op == "TruncatedNormal" || op == "ParameterizedTruncatedNormal" ||
         op == "Multinomial" || op == "StatefulStandardNormalV2";
}

}  // namespace

AttrView Bindings::operator()(absl::string_view key) const {
  for (const auto& [name, value] : call_.attrs) {
    if (name == key) return value;
  }
  const AttrSchema* attr = signature_.FindAttr(key);
  return attr == nullptr ? AttrView() : attr->default_view();
}

FunctionTable::FunctionTable(Model& model) : model_(model), registry_(model) {
  entries_.resize(model.functions().size());
  effects_.assign(entries_.size(), Effects::kUnknown);
  for (size_t i = 0; i < entries_.size(); ++i) {
    by_name_.emplace(model.functions()[i].name(), static_cast<int>(i));
  }
}

int FunctionTable::Find(absl::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? -1 : found->second;
}

absl::StatusOr<const FunctionTable::Entry*> FunctionTable::Get(int function) {
  Entry& entry = entries_[static_cast<size_t>(function)];
  if (entry.function != nullptr) return &entry;
  Function& source = model_.functions()[static_cast<size_t>(function)];
  ASSIGN_OR_RETURN(entry.parts, ReadFunctionParts(source));
  ASSIGN_OR_RETURN(entry.body, source.body());
  entry.function = &source;
  entry.has_effects = FunctionHasEffects(function);
  return &entry;
}

CallKind FunctionTable::Kind(absl::string_view op) const {
  if (op == "PartitionedCall" || op == "StatefulPartitionedCall") return CallKind::kCall;
  if (op == "If" || op == "StatelessIf") return CallKind::kIf;
  if (op == "While" || op == "StatelessWhile") return CallKind::kWhile;
  if (op == "Case" || op == "StatelessCase") return CallKind::kCase;
  return by_name_.contains(op) ? CallKind::kCall : CallKind::kNone;
}

absl::StatusOr<std::vector<Callee>> FunctionTable::Callees(Node node, CallKind kind) {
  std::vector<Callee> callees;
  const auto missing = [&](absl::string_view key) {
    return absl::InvalidArgumentError(absl::StrCat("node '", node.name(), "' (", node.op(),
                                                   ") lacks the attribute '", key,
                                                   "', which says what function it runs"));
  };
  const auto add = [&](absl::string_view key) -> absl::Status {
    const AttrView func = node.attr(key);
    if (func.kind() != AttrView::kFunc) return missing(key);
    callees.push_back(ReadFunc(func));
    return absl::OkStatus();
  };
  switch (kind) {
    case CallKind::kNone:
      break;
    case CallKind::kCall:
      if (node.op() == "PartitionedCall" || node.op() == "StatefulPartitionedCall") {
        RETURN_IF_ERROR(add("f"));
      } else {
        callees.emplace_back();
        callees.back().name = node.op();
        node.GetAttrs(&callees.back().attrs);
      }
      break;
    case CallKind::kIf:
      RETURN_IF_ERROR(add("then_branch"));
      RETURN_IF_ERROR(add("else_branch"));
      break;
    case CallKind::kWhile:
      RETURN_IF_ERROR(add("cond"));
      RETURN_IF_ERROR(add("body"));
      break;
    case CallKind::kCase: {
      const AttrView branches = node.attr("branches");
      if (branches.kind() != AttrView::kList || branches.list_func().empty()) return missing("branches");
      for (const absl::string_view func : branches.list_func()) callees.push_back(ReadNameAttrList(func));
      break;
    }
  }
  return callees;
}

bool FunctionTable::IsEffect(Node node) {
  const absl::string_view op = node.op();
  const CallKind kind = Kind(node);
  if (kind == CallKind::kNone) return !OnlyReads(op) && registry_.IsStateful(op);
  const absl::StatusOr<std::vector<Callee>> callees = Callees(node, kind);
  if (!callees.ok()) return true;
  for (const Callee& callee : *callees) {
    const int function = Find(callee.name);
    if (function < 0 || FunctionHasEffects(function)) return true;
  }
  return false;
}

// Depth first without recursion of our own; a function that is asked for while it is being looked at calls
// itself, which adds nothing.
bool FunctionTable::FunctionHasEffects(int asked) {
  struct Step {
    int function;
    std::vector<int> callees;
    size_t next = 0;
  };
  std::vector<Step> way;
  const auto enter = [&](int function) {
    Effects& state = effects_[static_cast<size_t>(function)];
    state = Effects::kAsked;
    way.push_back({function, {}, 0});
    const absl::StatusOr<Graph*> body = model_.functions()[static_cast<size_t>(function)].body();
    if (!body.ok()) {
      state = Effects::kYes;
      return;
    }
    for (Node node : (*body)->nodes()) {
      const CallKind kind = Kind(node);
      if (kind == CallKind::kNone) {
        if (!OnlyReads(node.op()) && registry_.IsStateful(node.op())) state = Effects::kYes;
        continue;
      }
      const absl::StatusOr<std::vector<Callee>> callees = Callees(node, kind);
      if (!callees.ok()) {
        state = Effects::kYes;
        continue;
      }
      for (const Callee& callee : *callees) {
        const int number = Find(callee.name);
        if (number < 0) {
          state = Effects::kYes;
        } else {
          way.back().callees.push_back(number);
        }
      }
    }
  };
  if (effects_[static_cast<size_t>(asked)] == Effects::kUnknown) enter(asked);
  while (!way.empty()) {
    Step& step = way.back();
    Effects& state = effects_[static_cast<size_t>(step.function)];
    if (state == Effects::kYes || step.next == step.callees.size()) {
      const bool yes = state == Effects::kYes;
      state = yes ? Effects::kYes : Effects::kNo;
      way.pop_back();
      if (yes && !way.empty()) effects_[static_cast<size_t>(way.back().function)] = Effects::kYes;
      continue;
    }
    const int callee = step.callees[step.next++];
    switch (effects_[static_cast<size_t>(callee)]) {
      case Effects::kUnknown:
        enter(callee);
        break;
      case Effects::kYes:
        state = Effects::kYes;
        break;
      default:
        break;
    }
  }
  return effects_[static_cast<size_t>(asked)] == Effects::kYes;
}

}  // namespace cryograph
