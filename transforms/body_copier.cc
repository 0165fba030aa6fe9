#include "transforms/body_copier.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"

namespace cryograph {
namespace {

// Legitimate node names are shorter by far; nested functions make them longer at each level.
constexpr int64_t kBytesPerNode = 512;
// Tensors that one argument may stand for.
constexpr int64_t kMaxTensors = 1 << 20;

uint32_t Index(NodeId id) { return static_cast<uint32_t>(id); }

}  // namespace

// One call of Copy().
class BodyCopier::Job {
 public:
  Job(BodyCopier& copier, Node caller, const Callee& callee, const FunctionTable::Entry& entry,
      const std::string& prefix, absl::Span<const Output> inputs, const Gate& gate)
      : copier_(copier),
        graph_(copier.graph_),
        caller_(caller),
        entry_(entry),
        body_(*entry.body),
        bindings_(callee, entry.parts.signature),
        prefix_(prefix),
        inputs_(inputs),
        gate_(gate) {}

  absl::StatusOr<BodyCopy> Run() {
    RETURN_IF_ERROR(BindArguments());
    RETURN_IF_ERROR(FindReturns());
    MarkNeeded();
    RETURN_IF_ERROR(copier_.Spend(caller_, Name(), num_needed_, 0));
    RETURN_IF_ERROR(CopyNodes());
    RETURN_IF_ERROR(CopyEdges());
    for (const Return& each : returns_) {
      if (each.node == kNoNode) {
        copy_.outputs.push_back(each.argument);
      } else {
        copy_.outputs.push_back({copies_[Index(each.node)], each.index});
      }
    }
    for (NodeId effect : effects_) copy_.effects.push_back(graph_.node(copies_[Index(effect)]));
    return std::move(copy_);
  }

 private:
  // What an output is: an input of the call, or an output of a node of the body.
  struct Return {
    Output argument;
    NodeId node = kNoNode;
    int32_t index = 0;
  };

  absl::string_view Name() const { return entry_.function->name(); }

  absl::Status Error(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("node '", caller_.name(), "' (", caller_.op(),
                                                   ") runs function '", Name(), "', which ", what));
  }
  absl::Status BodyError(Node node, absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("function '", Name(), "': node '", node.name(), "' (",
                                                   node.op(), ") ", what, "\nwhy: node '", caller_.name(),
                                                   "' (", caller_.op(), ") runs the function"));
  }

  absl::Status BindArguments() {
    int64_t total = 0;
    for (const ArgSchema& arg : entry_.parts.signature.inputs) {
      TypeRuns runs;
      if (const absl::Status status = ArgTypes(entry_.parts.signature, {&arg, 1}, bindings_, &runs);
          !status.ok()) {
        return Error(status.message());
      }
      if (runs.size() > kMaxTensors) return Error("has an argument of more tensors than any function has");
      first_of_.emplace(arg.name, std::make_pair(total, runs.size()));
      total += runs.size();
    }
    if (total != static_cast<int64_t>(inputs_.size())) {
      return Error(absl::StrCat("takes ", total, total == 1 ? " input" : " inputs", ", but is given ",
                                inputs_.size()));
    }
    return absl::OkStatus();
  }

  // `port` is "" or ":3" behind the name of an argument.
  bool Argument(absl::string_view name, absl::string_view port, int64_t* position) const {
    const auto found = first_of_.find(name);
    if (found == first_of_.end()) return false;
    int64_t index = 0;
    if (!port.empty() && !absl::SimpleAtoi(absl::StripPrefix(port, ":"), &index)) return false;
    if (index < 0 || index >= found->second.second) return false;
    *position = found->second.first + index;
    return true;
  }

  // The output that `port` (":sum:0") of a node of the body means.
  absl::Status FlatIndex(Node node, absl::string_view port, int32_t* index) {
    const OpSchema* schema = copier_.functions_.registry().Find(node.op());
    if (schema == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("is read at '", port, "', but nothing is known of its op, and so of its outputs"));
    }
    const auto lookup = [&](absl::string_view key) {
      AttrView value = node.attr(key);
      if (value.kind() != AttrView::kPlaceholder) return value;
      return bindings_(value.s());
    };
    ASSIGN_OR_RETURN(const int64_t flat, FlatOutputIndex(*schema, lookup, port));
    if (flat > kMaxTensors)
      return absl::InvalidArgumentError(absl::StrCat("is read at '", port, "', beyond all ops' outputs"));
    *index = static_cast<int32_t>(flat);
    return absl::OkStatus();
  }

  absl::Status FindReturns() {
    const OpSchema& signature = entry_.parts.signature;
    for (const ArgSchema& output : signature.outputs) {
      TypeRuns runs;
      if (const absl::Status status = ArgTypes(signature, {&output, 1}, bindings_, &runs); !status.ok()) {
        return Error(status.message());
      }
      if (runs.size() > kMaxTensors) return Error("has an output of more tensors than any function has");
      const absl::string_view reference = entry_.parts.Return(output.name);
      if (reference.empty())
        return Error(absl::StrCat("does not say what its output '", output.name, "' is"));
      const size_t colon = reference.find(':');
      const absl::string_view name = reference.substr(0, colon);
      const absl::string_view port =
          colon == absl::string_view::npos ? absl::string_view() : reference.substr(colon);
      for (int64_t i = 0; i < runs.size(); ++i) {
        Return found;
        int64_t position = 0;
        if (Argument(name, port, &position) && position + i < static_cast<int64_t>(inputs_.size())) {
          found.argument = inputs_[static_cast<size_t>(position + i)];
        } else {
          const Node node = body_.Find(name);
          if (!node) {
            return Error(absl::StrCat("gives '", reference, "' as its output '", output.name,
                                      "', but has no node or argument of that name"));
          }
          found.node = node.id();
          if (const absl::Status status = FlatIndex(node, port, &found.index); !status.ok()) {
            return BodyError(node, status.message());
          }
          found.index += static_cast<int32_t>(i);
        }
        returns_.push_back(found);
        copy_.types.push_back(BaseType(runs.at(i)));
      }
    }
    return absl::OkStatus();
  }

  void MarkNeeded() {
    needed_.assign(body_.id_limit(), 0);
    std::vector<NodeId> stack;
    const auto visit = [&](NodeId id) {
      if (!body_.alive(id) || needed_[Index(id)] != 0) return;
      needed_[Index(id)] = 1;
      ++num_needed_;
      stack.push_back(id);
    };
    for (const Return& each : returns_) {
      if (each.node != kNoNode) visit(each.node);
    }
    if (entry_.has_effects) {
      for (Node node : body_.nodes()) {
        if (!copier_.functions_.IsEffect(node)) continue;
        effects_.push_back(node.id());
        visit(node.id());
      }
    }
    while (!stack.empty()) {
      const Node node = body_.node(stack.back());
      stack.pop_back();
      for (const InputEdge& edge : node.inputs()) visit(edge.node);
      for (const ControlEdge& edge : node.control_inputs()) visit(edge.node);
    }
  }

  absl::Status CopyNodes() {
    if (copier_.kept_.insert(&body_).second) graph_.KeepAliveWith(body_);
    copies_.assign(body_.id_limit(), kNoNode);
    const std::string device(caller_.device());
    int64_t bytes = 0;
    for (Node node : body_.nodes()) {
      if (needed_[Index(node.id())] == 0) continue;
      if ((node.defects() & kDefectDuplicateName) != 0) return BodyError(node, "stands twice in the body");
      const std::string name = graph_.UniqueName(absl::StrCat(prefix_, "/", node.name()));
      bytes += static_cast<int64_t>(name.size());
      absl::StatusOr<Node> copy = graph_.AddCopy(name, node, caller_);
      if (!copy.ok()) return BodyError(node, absl::StrCat("cannot be copied: ", copy.status().message()));
      copies_[Index(node.id())] = copy->id();
      copy_.nodes.push_back(*copy);
      if (node.device().empty() && !device.empty()) graph_.SetDevice(*copy, device);
      RETURN_IF_ERROR(BindAttrs(node, *copy, &bytes));
      if (bytes > kBytesPerNode) {
        RETURN_IF_ERROR(copier_.Spend(caller_, Name(), 0, bytes));
        bytes = 0;
      }
    }
    return copier_.Spend(caller_, Name(), 0, bytes);
  }

  absl::Status BindAttrs(Node node, Node copy, int64_t* bytes) {
    node.GetAttrs(&attrs_);
    for (const auto& [key, value] : attrs_) {
      if (value.tensor_source() != nullptr) continue;
      if (HasPlaceholder(value)) {
        absl::StatusOr<std::string> bound = BindPlaceholders(value, bindings_);
        if (!bound.ok()) return Error(bound.status().message());
        *bytes += static_cast<int64_t>(bound->size());
        graph_.SetAttr(copy, key, *std::move(bound));
      } else if (key == "_class" && value.kind() == AttrView::kList) {
        Colocate(copy, value.list_s(), bytes);
      }
    }
    return absl::OkStatus();
  }

  // Colocations name nodes of the body, or arguments, whose place is the caller's affair.
  void Colocate(Node copy, const std::vector<absl::string_view>& entries, int64_t* bytes) {
    std::vector<std::string> named;
    for (absl::string_view entry : entries) {
      if (!absl::ConsumePrefix(&entry, "loc:@")) continue;
      if (const Node other = body_.Find(entry); other && needed_[Index(other.id())] != 0) {
        named.push_back(absl::StrCat("loc:@", prefix_, "/", entry));
        *bytes += static_cast<int64_t>(named.back().size());
      }
    }
    if (named.empty()) {
      graph_.RemoveAttr(copy, "_class");
    } else {
      graph_.SetAttr(copy, "_class", AttrStringList(named));
    }
  }

  absl::Status CopyEdges() {
    for (Node node : body_.nodes()) {
      if (needed_[Index(node.id())] == 0) continue;
      const Node copy = graph_.node(copies_[Index(node.id())]);
      bool entry = true, source = true;
      for (const InputEdge& edge : node.inputs()) {
        Output from;
        const Node producer = body_.node(edge.node);
        const absl::string_view port = body_.PortText(edge.index);
        if (body_.alive(edge.node)) {
          int32_t index = 0;
          if (const absl::Status status = FlatIndex(producer, port, &index); !status.ok()) {
            return BodyError(producer, absl::StrCat(status.message(), " (by node '", node.name(), "')"));
          }
          from = {copies_[Index(edge.node)], index};
          entry = source = false;
        } else {
          int64_t position = 0;
          if (!Argument(producer.name(), port, &position)) return NoSuchInput(node, producer.name(), port);
          from = inputs_[static_cast<size_t>(position)];
          source = source && Everywhere(position);
        }
        graph_.AddInput(copy, from);
      }
      for (const ControlEdge& edge : node.control_inputs()) {
        if (body_.alive(edge.node)) {
          graph_.AddControlInput(copy, graph_.node(copies_[Index(edge.node)]));
          entry = source = false;
          continue;
        }
        int64_t position = 0;
        const absl::string_view name = body_.node(edge.node).name();
        if (!Argument(name, "", &position)) return NoSuchInput(node, absl::StrCat("^", name), "");
        ASSIGN_OR_RETURN(const Node alive,
                         copier_.Alive(inputs_[static_cast<size_t>(position)], copy_.nodes.front()));
        graph_.AddControlInput(copy, alive);
        source = source && Everywhere(position);
      }
      if (entry) {
        for (Node gate : gate_.entries) graph_.AddControlInput(copy, gate);
      }
      if (source && gate_.sources) graph_.AddControlInput(copy, gate_.sources);
    }
    return absl::OkStatus();
  }

  bool Everywhere(int64_t position) const {
    const size_t index = static_cast<size_t>(position);
    return index < gate_.everywhere.size() && gate_.everywhere[index] != 0;
  }

  absl::Status NoSuchInput(Node node, absl::string_view name, absl::string_view port) {
    std::vector<absl::string_view> names;
    for (Node other : body_.nodes()) names.push_back(other.name());
    for (const auto& arg : first_of_) names.push_back(arg.first);
    std::sort(names.begin(), names.end());
    return BodyError(
        node, absl::StrCat("reads '", name, port, "', but the body has no node or argument of that name",
                           DidYouMean(NearestNames(absl::StripPrefix(name, "^"), names))));
  }

  BodyCopier& copier_;
  Graph& graph_;
  const Node caller_;
  const FunctionTable::Entry& entry_;
  Graph& body_;
  const Bindings bindings_;
  const std::string& prefix_;
  const absl::Span<const Output> inputs_;
  const Gate& gate_;

  absl::flat_hash_map<absl::string_view, std::pair<int64_t, int64_t>>
      first_of_;  // Argument → position, count.
  std::vector<Return> returns_;
  std::vector<NodeId> effects_;  // Of the body.
  std::vector<char> needed_;     // By id in the body.
  int64_t num_needed_ = 0;
  std::vector<NodeId> copies_;  // By id in the body.
  std::vector<std::pair<absl::string_view, AttrView>> attrs_;
  BodyCopy copy_;
};

absl::Status BodyCopier::Spend(Node caller, absl::string_view function, int64_t nodes, int64_t bytes) {
  budget_.nodes += nodes;
  budget_.bytes += bytes;
  if (budget_.nodes <= budget_.max_nodes && budget_.bytes <= budget_.max_nodes * kBytesPerNode) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("the functions make more than ", budget_.max_nodes,
                   " nodes when they are inlined; the limit was met at node '", caller.name().substr(0, 200),
                   "' (", caller.op(), "), which runs function '", function, "'"));
}

absl::StatusOr<BodyCopy> BodyCopier::Copy(Node caller, const Callee& callee, const std::string& prefix,
                                          absl::Span<const Output> inputs, const Gate& gate) {
  const int function = functions_.Find(callee.name);
  if (function < 0) {
    return absl::InvalidArgumentError(absl::StrCat("node '", caller.name(), "' (", caller.op(),
                                                   ") runs function '", callee.name,
                                                   "', which the library does not have"));
  }
  ASSIGN_OR_RETURN(const FunctionTable::Entry* entry, functions_.Get(function));
  return Job(*this, caller, callee, *entry, prefix, inputs, gate).Run();
}

absl::StatusOr<Node> BodyCopier::Alive(Output output, Node before) {
  const Node producer = graph_.node(output.node);
  if (!IsSwitch(producer.op())) return producer;
  const DataType type = BaseType(producer.attr("T", DT_INVALID));
  return Add(absl::StrCat(producer.name(), "/alive"), "Identity", type, {output}, before);
}

absl::StatusOr<Node> BodyCopier::Add(absl::string_view stem, absl::string_view op,
                                     absl::Span<const Output> inputs, Node before) {
  ASSIGN_OR_RETURN(const Node node, graph_.AddNode(graph_.UniqueName(stem), op, inputs, before));
  if (!before.device().empty()) graph_.SetDevice(node, std::string(before.device()));
  return node;
}

absl::StatusOr<Node> BodyCopier::Add(absl::string_view stem, absl::string_view op, DataType type,
                                     absl::Span<const Output> inputs, Node before) {
  ASSIGN_OR_RETURN(const Node node, Add(stem, op, inputs, before));
  graph_.SetAttr(node, "T", AttrType(type));
  return node;
}

}  // namespace cryograph
