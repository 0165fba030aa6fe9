#include "checkpoint/restore_map.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "base/wire.h"

namespace cryograph {
namespace {

// Payload of the last field `number` of `message`; a string field counts as its last occurrence.
absl::string_view LastBytes(absl::string_view message, uint32_t number) {
  absl::string_view result;
  WireReader reader(message);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number == number && field.type == WireType::kBytes) result = field.bytes;
  }
  return result;
}

absl::string_view NodeOfTensor(absl::string_view tensor) {
  if (!tensor.empty() && tensor[0] == '^') tensor.remove_prefix(1);
  return tensor.substr(0, tensor.find(':'));
}

bool IsRestore(absl::string_view op) { return op == "RestoreV2" || op == "Restore" || op == "RestoreSlice"; }

// Follows what only forwards or converts, from `from` back to a restore op. False if there is none.
struct Origin {
  Node restore;
  Output output;
  bool reshaped = false;
  DataType cast_to = DT_INVALID;
};
bool FindOrigin(Graph& graph, Output from, Origin* origin) {
  for (uint32_t step = 0; step <= graph.id_limit(); ++step) {  // A cycle ends it.
    const Node node = graph.node(from.node);
    const absl::string_view op = node.op();
    if (IsRestore(op)) {
      origin->restore = node;
      origin->output = from;
      return true;
    }
    if (node.num_inputs() == 0) return false;
    if (op == "Reshape") {
      origin->reshaped = true;
    } else if (op == "Cast") {
      if (origin->cast_to == DT_INVALID) origin->cast_to = node.attr("DstT", DT_INVALID);
    } else if (op != "Identity" && op != "StopGradient") {
      return false;
    }
    from = node.input(0);
  }
  return false;
}

// Elements of the constant strings that input `slot` of `node` shows; false if it is no such constant.
bool ConstantStrings(Node node, int slot, Tensor* strings) {
  if (slot >= node.num_inputs()) return false;
  Node source = node.input_node(slot);
  for (uint32_t step = 0; source.op() == "Identity" && source.num_inputs() == 1; ++step) {
    if (step > source.graph().id_limit()) return false;
    source = source.input_node(0);
  }
  if (source.op() != "Const") return false;
  absl::StatusOr<Tensor> value = source.constant();
  if (!value.ok() || value->dtype != DT_STRING) return false;
  *strings = *std::move(value);
  return true;
}

// Position among the restored tensors. In a function body the port is spelled ":tensors:3".
bool OutputPosition(const Graph& graph, Output output, size_t* position) {
  if (!graph.is_function()) {
    if (output.index < 0) return false;
    *position = static_cast<size_t>(output.index);
    return true;
  }
  const absl::string_view port = graph.PortText(output.index);
  const size_t colon = port.rfind(':');
  uint64_t number;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(port.substr(colon + 1), &number)) return false;
  *position = number;
  return true;
}

struct Pair {
  Node target;  // Of the graph that was searched: a variable, or an argument of the function.
  RestoredValue value;
  NodeId prefix = kNoNode;  // Where the restore op has its file name from.
};

// The pair that an Assign or AssignVariableOp stands for; false if it restores nothing.
bool ReadPair(Node assign, Pair* pair) {
  Graph& graph = assign.graph();
  if (assign.num_inputs() < 2) return false;
  Origin origin;
  if (!FindOrigin(graph, assign.input(1), &origin)) return false;
  Tensor names, slices;
  size_t position = 0;
  if (!ConstantStrings(origin.restore, 1, &names) || !OutputPosition(graph, origin.output, &position) ||
      position >= names.strings.size()) {
    return false;
  }
  pair->value.key = std::string(names.strings[position]);
  if (origin.restore.op() != "Restore" && ConstantStrings(origin.restore, 2, &slices) &&
      position < slices.strings.size()) {
    pair->value.slice_spec = std::string(slices.strings[position]);
  }
  pair->value.reshaped = origin.reshaped;
  pair->value.cast_to = origin.cast_to;
  pair->prefix = origin.restore.input(0).node;
  Node target = assign.input_node(0);
  for (uint32_t step = 0; target.op() == "Identity" && target.num_inputs() == 1; ++step) {
    if (step > graph.id_limit()) return false;
    target = target.input_node(0);
  }
  pair->target = target;
  return true;
}

bool IsAssign(absl::string_view op) { return op == "Assign" || op == "AssignVariableOp"; }

// Of all nodes, or of those that `from` waits for if it is not the null handle.
std::vector<Pair> PairsOf(Graph& graph, Node from) {
  std::vector<Pair> pairs;
  std::vector<char> wanted;
  if (from) {
    wanted.assign(graph.id_limit(), 0);
    std::vector<Node> stack = {from};
    wanted[static_cast<uint32_t>(from.id())] = 1;
    auto visit = [&](NodeId id) {
      char& seen = wanted[static_cast<uint32_t>(id)];
      if (seen != 0 || !graph.alive(id)) return;
      seen = 1;
      stack.push_back(graph.node(id));
    };
    while (!stack.empty()) {
      const Node node = stack.back();
      stack.pop_back();
      for (const InputEdge& edge : node.inputs()) visit(edge.node);
      for (const ControlEdge& edge : node.control_inputs()) visit(edge.node);
    }
  }
  for (Node node : graph.nodes()) {
    if (from && wanted[static_cast<uint32_t>(node.id())] == 0) continue;
    Pair pair;
    if (IsAssign(node.op()) && ReadPair(node, &pair)) pairs.push_back(std::move(pair));
  }
  return pairs;
}

// Names of the arguments of a serialized OpDef.
std::vector<absl::string_view> ArgumentNames(absl::string_view signature) {
  std::vector<absl::string_view> names;
  WireReader reader(signature);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number == 2 && field.type == WireType::kBytes) names.push_back(LastBytes(field.bytes, 1));
  }
  return names;
}

}  // namespace

const RestoredValue* RestoreMap::Of(NodeId variable) const {
  const auto it = index_.find(variable);
  return it == index_.end() ? nullptr : &pairs_[it->second].second;
}

void RestoreMap::Add(NodeId variable, RestoredValue value) {
  const auto [it, fresh] = index_.try_emplace(variable, pairs_.size());
  if (fresh) pairs_.emplace_back(variable, std::move(value));
}

absl::StatusOr<RestoreMap> RestoreMap::Find(Model& model, absl::string_view saver,
                                            const Checkpoint* checkpoint, std::vector<std::string>* notes) {
  Graph& graph = model.graph();
  RestoreMap map;
  const bool given = !saver.empty();
  if (!given) saver = model.MetaField(3);
  const absl::string_view restore_op = NodeOfTensor(LastBytes(saver, 3));
  Node restore;
  if (!restore_op.empty()) {
    restore = graph.Find(restore_op);
    if (!restore) {
      std::vector<absl::string_view> names;
      for (Node node : graph.nodes()) names.push_back(node.name());
      const std::string what = absl::StrCat("the SaverDef names the restore op '", restore_op,
                                            "', but the graph has no node of that name",
                                            DidYouMean(NearestNames(restore_op, names)));
      if (given) return absl::InvalidArgumentError(what);
      if (notes != nullptr) notes->push_back(what);
    }
  } else if (given) {
    return absl::InvalidArgumentError("the SaverDef names no restore op (restore_op_name is empty)");
  }

  if (restore) {
    map.origin_ = absl::StrCat("restore op '", restore.name(), "'");
    const AttrView f = restore.attr("f");
    if (f.kind() == AttrView::kFunc) {
      for (Function& function : model.functions()) {
        if (function.name() != f.func_name()) continue;
        ASSIGN_OR_RETURN(Graph * body, function.body());
        absl::flat_hash_map<absl::string_view, int> arguments;
        const std::vector<absl::string_view> names = ArgumentNames(function.signature());
        for (size_t i = 0; i < names.size(); ++i) arguments.emplace(names[i], static_cast<int>(i));
        for (Pair& pair : PairsOf(*body, Node())) {
          if (!pair.target.is_argument()) continue;
          const auto it = arguments.find(pair.target.name());
          if (it == arguments.end() || it->second >= restore.num_inputs()) continue;
          map.Add(restore.input(it->second).node, std::move(pair.value));
        }
        break;
      }
    } else {
      for (Pair& pair : PairsOf(graph, restore)) map.Add(pair.target.id(), std::move(pair.value));
    }
    return map;
  }

  // No SaverDef: restore ops that read one file belong together.
  struct Set {
    NodeId prefix;
    std::vector<Pair> pairs;
    size_t known = 0;  // Keys that the checkpoint has.
  };
  std::vector<Set> sets;
  absl::flat_hash_map<NodeId, size_t> set_of;
  for (Pair& pair : PairsOf(graph, Node())) {
    const auto [it, fresh] = set_of.try_emplace(pair.prefix, sets.size());
    if (fresh) sets.push_back({pair.prefix, {}, 0});
    Set& set = sets[it->second];
    if (checkpoint == nullptr || checkpoint->Find(pair.value.key) != nullptr) ++set.known;
    set.pairs.push_back(std::move(pair));
  }
  std::stable_sort(sets.begin(), sets.end(), [](const Set& a, const Set& b) {
    return a.known != b.known ? a.known > b.known : a.pairs.size() > b.pairs.size();
  });
  if (!sets.empty()) map.origin_ = "restore ops of the graph";
  int conflicts = 0;
  for (Set& set : sets) {
    for (Pair& pair : set.pairs) {
      const RestoredValue* other = map.Of(pair.target.id());
      if (other != nullptr && (other->key != pair.value.key || other->slice_spec != pair.value.slice_spec)) {
        ++conflicts;
      }
      map.Add(pair.target.id(), std::move(pair.value));
    }
  }
  if (conflicts > 0 && notes != nullptr) {
    notes->push_back(absl::StrCat("the graph restores ", conflicts,
                                  " variables from more than one key; those that read '",
                                  graph.node(sets[0].prefix).name(), "' were taken"));
  }
  return map;
}

}  // namespace cryograph
