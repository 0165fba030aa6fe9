// Makes one node of those that compute the same from the same.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/wire.h"
#include "graph/control_flow.h"
#include "graph/op_schema.h"
#include "graph/topological_order.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

// Bytes that are equal if the values are, whatever way they are encoded in the file. A value of a kind that
// is not taken apart counts by its bytes: at worst two equal ones are kept.
std::string CanonicalValue(const AttrView& value) {
  std::string out(1, static_cast<char>(value.kind()));
  const auto add_shape = [&out](const PartialShape& shape) {
    absl::StrAppend(&out, shape.unknown_rank ? "?" : PartialShapeText(shape), ";");
  };
  switch (value.kind()) {
    case AttrView::kInt:
      AppendFixed64(static_cast<uint64_t>(value.i()), &out);
      break;
    case AttrView::kBool:
      out.push_back(value.b() ? 1 : 0);
      break;
    case AttrView::kType:
      AppendFixed32(static_cast<uint32_t>(value.type()), &out);
      break;
    case AttrView::kString:
    case AttrView::kPlaceholder:
      absl::StrAppend(&out, value.s());
      break;
    case AttrView::kShape:
      add_shape(value.shape());
      break;
    case AttrView::kList:
      for (int64_t each : value.list_i()) AppendVarintField(3, static_cast<uint64_t>(each), &out);
      for (DataType each : value.list_type()) AppendVarintField(6, static_cast<uint32_t>(each), &out);
      for (bool each : value.list_b()) AppendVarintField(5, each ? 1 : 0, &out);
      for (absl::string_view each : value.list_s()) AppendBytesField(2, each, &out);
      for (const PartialShape& each : value.list_shape()) add_shape(each);
      if (value.list_f().empty() && value.list_tensor().empty() && value.list_func().empty()) break;
      absl::StrAppend(&out, value.bytes());
      break;
    default:
      absl::StrAppend(&out, value.bytes());
  }
  return out;
}

// Says nothing about what a node computes.
bool IsBookkeeping(absl::string_view attr) { return attr == "_output_shapes" || attr == "_class"; }

// The values of two Const nodes of one type and shape, compared. Large fills are not expanded: they count by
// their bytes.
class ConstValues {
 public:
  struct Value {
    Tensor tensor;
    absl::string_view encoded;  // Instead of the tensor, if that would be too large.
  };
  static absl::StatusOr<Value> Read(Node node) {
    constexpr uint64_t kLargest = uint64_t{1} << 28;
    const AttrView view = node.attr("value");
    Value value;
    absl::StatusOr<Tensor> tensor = view.tensor_source() != nullptr
                                        ? view.tensor_source()->Load()
                                        : DecodeTensorProto(view.tensor_bytes(), nullptr, kLargest);
    if (tensor.ok()) {
      value.tensor = *std::move(tensor);
    } else if (view.tensor_source() != nullptr) {
      return tensor.status();
    } else {
      value.encoded = view.tensor_bytes();
    }
    return value;
  }
  static bool Equal(const Value& a, const Value& b) {
    return a.encoded == b.encoded && a.tensor.bytes == b.tensor.bytes && a.tensor.strings == b.tensor.strings;
  }
  static uint64_t Hash(const Value& value) {
    return absl::HashOf(value.encoded, value.tensor.bytes, value.tensor.strings);
  }
};

// One run over one graph: classes of equal nodes, found in topological order, each class read by its number.
class Merger {
 public:
  Merger(Graph& graph, PassContext& context, const OpRegistry& registry, bool commutative, bool aliases)
      : graph_(graph), context_(context), registry_(registry), commutative_(commutative), aliases_(aliases) {
    for (const TensorName& input : context.inputs()) fed_.insert(input.node);
    for (const Function& function : context.model().functions())
      functions_.emplace(function.name(), &function);
  }

  absl::Status Run() {
    ops_.resize(static_cast<size_t>(graph_.num_ops()));
    class_of_.resize(graph_.id_limit());
    for (size_t i = 0; i < class_of_.size(); ++i) class_of_[i] = static_cast<uint32_t>(i);
    // What is on a cycle or behind one keeps its own class.
    for (NodeId id : StableOrder(graph_).order) RETURN_IF_ERROR(Classify(graph_.node(id)));
    return Merge();
  }

 private:
  struct OpFacts {
    bool looked_up = false;
    const OpSchema* schema = nullptr;
    const char* why_not = nullptr;  // Null if its nodes may be merged.
    bool silent = false;            // The reason goes without saying.
  };

  static size_t Index(NodeId id) { return static_cast<size_t>(id); }

  const OpFacts& FactsOf(Node node) {
    OpFacts& facts = ops_[static_cast<size_t>(node.op_id())];
    if (facts.looked_up) return facts;
    facts.looked_up = true;
    const absl::string_view op = node.op();
    facts.schema = registry_.Find(op);
    if (facts.schema == nullptr) {
      facts.why_not = "nothing is known of its op";
    } else if (facts.schema->is_stateful) {
      facts.why_not = "its op has state: each node may give another value";
    } else if (absl::StartsWith(op, "Placeholder") || op == "_Arg") {
      facts.why_not = "it may be fed";
      facts.silent = true;
    } else if (IsControlFlow(op)) {
      facts.why_not = "it is control flow";
      facts.silent = true;
    } else if (HasReferences(*facts.schema)) {
      facts.why_not = "it works on references";
    } else if (MakesResources(*facts.schema)) {
      facts.why_not = "it makes a resource";
    }
    return facts;
  }

  static bool HasReferences(const OpSchema& schema) {
    const auto is_ref = [](const ArgSchema& arg) { return arg.is_ref; };
    return std::any_of(schema.inputs.begin(), schema.inputs.end(), is_ref) ||
           std::any_of(schema.outputs.begin(), schema.outputs.end(), is_ref);
  }
  static bool MakesResources(const OpSchema& schema) {
    const auto is_resource = [](const ArgSchema& arg) { return arg.type == DT_RESOURCE; };
    return std::any_of(schema.outputs.begin(), schema.outputs.end(), is_resource) &&
           std::none_of(schema.inputs.begin(), schema.inputs.end(), is_resource);
  }

  // Add also joins strings, so it is not marked as commutative.
  static bool IsCommutative(Node node, const OpSchema& schema) {
    return schema.is_commutative || (node.op() == "Add" && node.attr("T", DT_STRING) != DT_STRING);
  }

  // A call of a function with state, by an op that has none of its own (PartitionedCall).
  bool CallsState() const {
    const auto has_state = [this](absl::string_view name) {
      const auto found = functions_.find(name);
      if (found == functions_.end()) return false;
      const OpSchema* schema = registry_.Find(name);
      return schema == nullptr || schema->is_stateful;
    };
    for (const auto& attr : attrs_) {
      if (attr.second.kind() == AttrView::kFunc && has_state(attr.second.func_name())) return true;
      if (attr.second.kind() != AttrView::kList) continue;
      for (absl::string_view func : attr.second.list_func()) {
        if (has_state(NameOfNameAttrList(func))) return true;
      }
    }
    return false;
  }

  absl::Status Classify(Node node) {
    const OpFacts& facts = FactsOf(node);
    if (!fed_.empty() && fed_.contains(node.name())) return absl::OkStatus();
    if (facts.why_not != nullptr) {
      if (!facts.silent) context_.Skip(node, facts.why_not);
      return absl::OkStatus();
    }
    // transform_graph keeps what is listed apart from everything.
    if (context_.compat() && node.pinned()) return absl::OkStatus();
    node.GetAttrs(&attrs_);
    if (!functions_.empty() && CallsState()) {
      context_.Skip(node, "it calls a function that has state");
      return absl::OkStatus();
    }
    const bool is_const = node.op() == "Const";
    std::string key;
    if (!MakeKey(node, *facts.schema, is_const, &key)) return absl::OkStatus();
    const auto [found, is_new] = groups_.emplace(std::move(key), Group{node.id(), 0});
    if (is_new) return absl::OkStatus();
    if (!is_const) {
      class_of_[Index(node.id())] = static_cast<uint32_t>(found->second.first);
      return absl::OkStatus();
    }
    return ClassifyConst(node, &found->second);
  }

  // Nodes with one key are equal, but for Const: there the values decide.
  struct Group {
    NodeId first;
    uint32_t number;  // Of a Const group with several values; 0 as long as there is one node.
  };

  absl::Status ClassifyConst(Node node, Group* group) {
    if (group->number == 0) {
      group->number = ++num_const_groups_;
      RETURN_IF_ERROR(AddConst(graph_.node(group->first), group->number));
    }
    return AddConst(node, group->number);
  }

  absl::Status AddConst(Node node, uint32_t group) {
    ASSIGN_OR_RETURN(const ConstValues::Value value, ConstValues::Read(node));
    std::vector<NodeId>& alike = consts_[{group, ConstValues::Hash(value)}];
    for (NodeId id : alike) {
      ASSIGN_OR_RETURN(const ConstValues::Value other, ConstValues::Read(graph_.node(id)));
      if (!ConstValues::Equal(value, other)) continue;
      class_of_[Index(node.id())] = static_cast<uint32_t>(id);
      return absl::OkStatus();
    }
    alike.push_back(node.id());
    return absl::OkStatus();
  }

  // What makes a node what it is, besides its name. False if it cannot be said.
  bool MakeKey(Node node, const OpSchema& schema, bool is_const, std::string* key) {
    AppendVarint(static_cast<uint64_t>(node.op_id()), key);
    AppendBytesField(1, node.device(), key);
    std::vector<std::pair<uint32_t, int32_t>> inputs;
    for (const InputEdge& input : node.inputs())
      inputs.emplace_back(class_of_[Index(input.node)], input.index);
    if (commutative_ && IsCommutative(node, schema)) std::sort(inputs.begin(), inputs.end());
    AppendVarint(inputs.size(), key);
    for (const auto& input : inputs) {
      AppendFixed32(input.first, key);
      AppendFixed32(static_cast<uint32_t>(input.second), key);
    }
    std::vector<uint32_t> controls;
    for (const ControlEdge& control : node.control_inputs())
      controls.push_back(class_of_[Index(control.node)]);
    std::sort(controls.begin(), controls.end());
    controls.erase(std::unique(controls.begin(), controls.end()), controls.end());
    AppendVarint(controls.size(), key);
    for (uint32_t control : controls) AppendFixed32(control, key);

    const auto append = [key](absl::string_view name, const AttrView& value) {
      AppendBytesField(2, name, key);
      AppendBytesField(3, CanonicalValue(value), key);
    };
    for (const AttrSchema& attr : schema.attrs) {
      if (is_const && attr.name == "value") continue;
      const auto own =
          std::find_if(attrs_.begin(), attrs_.end(), [&](const auto& a) { return a.first == attr.name; });
      if (own != attrs_.end()) {
        append(attr.name, own->second);
      } else if (attr.has_default) {
        append(attr.name, attr.default_view());
      }
    }
    for (const auto& attr : attrs_) {
      if (schema.FindAttr(attr.first) == nullptr && !IsBookkeeping(attr.first))
        append(attr.first, attr.second);
    }
    return !is_const || AppendConstHeader(node, key);
  }

  bool AppendConstHeader(Node node, std::string* key) {
    const AttrView value = node.attr("value");
    TensorHeader header;
    if (value.tensor_source() != nullptr) {
      header.dtype = value.tensor_source()->dtype();
      header.dims = value.tensor_source()->dims();
    } else if (value.kind() == AttrView::kTensor) {
      absl::StatusOr<TensorHeader> read = DecodeTensorHeader(value.tensor_bytes());
      if (!read.ok()) {
        context_.Skip(node, "its tensor is malformed");
        return false;
      }
      header = *std::move(read);
    } else {
      return false;
    }
    AppendFixed32(static_cast<uint32_t>(header.dtype), key);
    AppendVarint(header.unknown_rank ? 1 : 0, key);
    for (int64_t dim : header.dims) AppendFixed64(static_cast<uint64_t>(dim), key);
    return true;
  }

  absl::Status Merge() {
    // Members of each class in file order; classes in the order of their first member.
    std::vector<std::vector<NodeId>> classes;
    constexpr uint32_t kAlone = 0xffffffffu;
    std::vector<NodeId> first(class_of_.size(), kNoNode);    // By class: its first member.
    std::vector<uint32_t> number(class_of_.size(), kAlone);  // By class: its place in `classes`.
    for (Node node : graph_.nodes()) {
      const uint32_t own = class_of_[Index(node.id())];
      if (first[own] == kNoNode) {
        first[own] = node.id();
        continue;
      }
      if (number[own] == kAlone) {
        number[own] = static_cast<uint32_t>(classes.size());
        classes.push_back({first[own]});
      }
      classes[number[own]].push_back(node.id());
    }
    for (const std::vector<NodeId>& members : classes) {
      // An output is what the others become: its name stays in any case.
      const auto pinned =
          std::find_if(members.begin(), members.end(), [&](NodeId id) { return graph_.node(id).pinned(); });
      const Node survivor = graph_.node(pinned == members.end() ? members.front() : *pinned);
      for (NodeId id : members) {
        const Node node = graph_.node(id);
        if (node == survivor) continue;
        if (!node.pinned()) {
          RETURN_IF_ERROR(graph_.MergeInto(node, survivor));
          context_.Count("merged");
        } else if (!Alias(node, survivor)) {
          context_.Skip(node, "its name is an output of the graph, or to be kept");
        }
      }
    }
    return absl::OkStatus();
  }

  // Turns an output into an Identity of one that is equal.
  bool Alias(Node node, Node survivor) {
    const absl::StatusOr<std::vector<DataType>> types = registry_.OutputTypes(survivor);
    if (!aliases_ || node.op() == "Const" || !types.ok() || types->size() != 1) return false;
    const std::string device(node.device());
    graph_.Clear(node, "Identity");
    graph_.SetDevice(node, device);
    graph_.AddInput(node, survivor.out());
    graph_.SetAttr(node, "T", AttrType((*types)[0]));
    context_.Count("aliased");
    return true;
  }

  Graph& graph_;
  PassContext& context_;
  const OpRegistry& registry_;
  const bool commutative_, aliases_;
  absl::flat_hash_set<std::string> fed_;
  absl::flat_hash_map<absl::string_view, const Function*> functions_;
  std::vector<OpFacts> ops_;        // By op number.
  std::vector<uint32_t> class_of_;  // By node: the id of the first node found that is equal.
  absl::flat_hash_map<std::string, Group> groups_;
  uint32_t num_const_groups_ = 0;
  absl::flat_hash_map<std::pair<uint32_t, uint64_t>, std::vector<NodeId>> consts_;
  std::vector<std::pair<absl::string_view, AttrView>> attrs_;  // Of the node at hand.
};

class MergeDuplicateNodes final : public Pass {
 public:
  MergeDuplicateNodes()
      : Pass("merge_duplicate_nodes", "Makes one node of those that compute the same from the same inputs.") {
  }

  std::string doc() const override {
    return "Nodes are equal if op, device, inputs, control inputs and attributes are: attributes by name, "
           "with the op's\n"
           "defaults filled in, without `_output_shapes` and `_class`; constants by value, however they are "
           "encoded. Of\n"
           "equal nodes an output of the graph stays, or else the one that stands first. One pass suffices, "
           "and the order\n"
           "of nodes is kept.\n"
           "\n"
           "Never merged: inputs of the graph and placeholders, ops with state (and calls of functions with "
           "state), with\n"
           "references or new resources, control flow, unknown ops.\n"
           "\n"
           "Where transform_graph goes wrong: it takes `transpose_a=true` and `transpose_b=true` for equal, "
           "because it\n"
           "looks at values without their names; it merges placeholders and outputs written as `name:0`; it "
           "fails on ops\n"
           "that it does not know and on calls of functions; its time grows with the square of the depth; "
           "and the order of\n"
           "its result is arbitrary. It keeps an output apart from nodes equal to it, as does `--compat`.";
  }

  absl::Status Run(Graph&, PassContext& context) override {
    const OpRegistry registry(context.model());
    return context.ForEachGraph(*functions_, [&](Graph& graph) {
      return Merger(graph, context, registry, *commutative_, *alias_outputs_).Run();
    });
  }

 private:
  Param<bool> commutative_{this, "commutative", false, "Take Add(x, y) and Add(y, x) for equal, too."};
  Param<bool> alias_outputs_{this, "alias_outputs", false,
                             "Turn an output that is equal to another one into an Identity of that."};
  Param<bool> functions_{this, "functions", false, "Also in the functions of the library."};
};
CRYOGRAPH_REGISTER_PASS(MergeDuplicateNodes);

}  // namespace
}  // namespace cryograph
