#include "graph/import_into.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/control_flow.h"
#include "graph/element_name.h"
#include "graph/function_merge.h"
#include "graph/node_import.h"
#include "graph/verify.h"

namespace cryograph {
namespace {

constexpr absl::string_view kColocation = "loc:@";

// Number of outputs of a node; -1 if its op is not known.
int64_t NumOutputs(const OpRegistry& registry, Node node) {
  const OpSchema* schema = registry.Find(node.op());
  TypeRuns types;
  if (schema == nullptr || !ArgTypes(*schema, schema->outputs, node, &types).ok()) return -1;
  return types.size();
}

bool HasOnlyNameChars(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("._-/>\\", c);
  });
}

bool IsScopeName(absl::string_view name) {
  return !name.empty() && HasOnlyNameChars(name) && !absl::StrContains("_-/>\\", name[0]);
}

// Names of nodes, and the scopes that they are in: "a/b/c" takes "a", "a/b" and "a/b/c".
class TakenNames {
 public:
  explicit TakenNames(Graph& graph) {
    for (Node node : graph.nodes()) Add(node.name());
  }
  bool Has(absl::string_view name) const { return names_.contains(name); }

 private:
  void Add(absl::string_view name) {
    names_.insert(name);
    for (size_t slash = name.rfind('/'); slash != absl::string_view::npos && slash > 0;
         slash = name.rfind('/', slash - 1)) {
      if (!names_.insert(name.substr(0, slash)).second) return;  // What is above it is there, too.
    }
  }
  absl::flat_hash_set<absl::string_view> names_;
};

class Importer {
 public:
  Importer(Model* target, Model* source, const ImportIntoOptions* options)
      : target_(*target),
        source_(*source),
        graph_(target->graph()),
        from_(source->graph()),
        options_(*options),
        taken_(target->graph()) {}

  absl::StatusOr<ImportIntoResult> Run() {
    // First all that can go wrong.
    RETURN_IF_ERROR(ChoosePrefix());
    ChooseNames();
    RETURN_IF_ERROR(ReadInputMap());
    RETURN_IF_ERROR(ReadReturnElements());
    RETURN_IF_ERROR(ReadProducerOps());
    RETURN_IF_ERROR(CheckNodes());
    const std::string stem = result_.prefix.empty() ? "" : result_.prefix + "/";
    std::string function_stem = stem;
    std::replace(function_stem.begin(), function_stem.end(), '/', '_');
    ASSIGN_OR_RETURN(functions_,
                     PlanFunctionMerge(target_, source_, options_.rename_functions, function_stem));
    ChooseFrames();
    if (options_.separate_resources) ChooseResources();
    // Then the edits.
    RETURN_IF_ERROR(CopyNodes());
    ConnectNodes();
    PlaceColocated();
    Versions versions = JoinVersions(target_.versions(), source_.versions());
    constexpr int kFirstWithFunctions = 12;
    const bool has_functions = !functions_.added.empty() || !target_.functions().empty();
    if (has_functions) versions.min_consumer = std::max(versions.min_consumer, kFirstWithFunctions);
    target_.set_versions(std::move(versions));
    result_.shared_functions = functions_.shared;
    result_.renamed_functions.assign(functions_.renamed.begin(), functions_.renamed.end());
    std::sort(result_.renamed_functions.begin(), result_.renamed_functions.end());
    ApplyFunctionMerge(std::move(functions_), &target_);
    return std::move(result_);
  }

 private:
  absl::Status ChoosePrefix() {
    absl::string_view prefix = options_.prefix;
    const bool exact = absl::ConsumeSuffix(&prefix, "/");
    if (options_.prefix.empty()) return absl::OkStatus();
    if (!IsScopeName(prefix)) {
      return absl::InvalidArgumentError(absl::StrCat("'", options_.prefix, "' is not a valid scope name"));
    }
    std::string name(prefix);
    for (int i = 1; !exact && taken_.Has(name); ++i) name = absl::StrCat(prefix, "_", i);
    result_.prefix = name;
    return absl::OkStatus();
  }

  void ChooseNames() {
    names_.resize(from_.id_limit());
    const TakenNames own(from_);
    const std::string stem = result_.prefix.empty() ? "" : result_.prefix + "/";
    absl::flat_hash_set<std::string> given;
    for (Node node : from_.nodes()) {
      const std::string wanted = absl::StrCat(stem, node.name());
      std::string name = wanted;
      // One with a number must be free in the source, too.
      const auto is_taken = [&](bool numbered) {
        return taken_.Has(name) || given.contains(name) ||
               (numbered && own.Has(absl::string_view(name).substr(stem.size())));
      };
      for (int i = 1; is_taken(i > 1); ++i) name = absl::StrCat(wanted, "_", i);
      if (name != wanted) {
        result_.renamed_nodes.emplace_back(node.name(), name);
        given.insert(name);
      }
      names_[static_cast<size_t>(node.id())] = std::move(name);
    }
  }

  absl::Status ReadInputMap() {
    const OpRegistry source_ops(source_), target_ops(target_);
    std::vector<std::string> unmatched;
    for (const auto& [key, value] : options_.input_map) {
      ASSIGN_OR_RETURN(const ElementName from, ParseElementName(key));
      ASSIGN_OR_RETURN(const ElementName to, ParseElementName(value));
      if (from.is_control != to.is_control) {
        return absl::InvalidArgumentError(absl::StrCat("input_map takes '", key, "' to '", value,
                                                       "', but only one of them is a control input"));
      }
      const Node target = graph_.Find(to.node);
      if (!target) {
        const absl::Status status = NoSuchNode(graph_, to.node, "the target");
        return absl::Status(status.code(), absl::StrCat("input_map takes '", key, "' to '", value, "', but ",
                                                        status.message()));
      }
      const int64_t have = NumOutputs(target_ops, target);
      if (!to.is_control && have >= 0 && to.port >= have) {
        return absl::InvalidArgumentError(absl::StrCat("input_map takes '", key, "' to '", value,
                                                       "', but node '", to.node, "' (", target.op(), ") has ",
                                                       have, " output(s)"));
      }
      const Node node = from_.Find(from.node);
      const int64_t outputs = node ? NumOutputs(source_ops, node) : 0;
      if (!node || (!from.is_control && outputs >= 0 && from.port >= outputs)) {
        unmatched.push_back(from.is_control ? absl::StrCat("^", from.node)
                                            : absl::StrCat(from.node, ":", from.port));
        continue;
      }
      if (from.is_control) {
        control_map_[node.id()] = target.id();
      } else {
        input_map_[node.out(from.port)] = target.out(to.port);
      }
    }
    if (unmatched.empty()) return absl::OkStatus();
    std::vector<absl::string_view> names;
    for (Node node : from_.nodes()) names.push_back(node.name());
    const std::string first = unmatched[0].substr(0, unmatched[0].rfind(':'));
    return absl::NotFoundError(absl::StrCat(
        "attempted to map inputs that were not found in the graph that is imported: [",
        absl::StrJoin(unmatched, ", "), "]", DidYouMean(NearestNames(absl::StripPrefix(first, "^"), names))));
  }

  absl::Status ReadReturnElements() {
    const OpRegistry ops(source_);
    for (const std::string& text : options_.return_elements) {
      ASSIGN_OR_RETURN(const ElementName name, ParseElementName(text));
      const Node node = from_.Find(name.node);
      if (!node) return NoSuchNode(from_, name.node, "the graph that is imported");
      const std::string& copy = names_[static_cast<size_t>(node.id())];
      if (!name.has_port) {
        result_.return_elements.push_back(copy);
        continue;
      }
      const int64_t outputs = NumOutputs(ops, node);
      if (outputs >= 0 && name.port >= outputs) {
        return absl::InvalidArgumentError(absl::StrCat("invalid return output ", name.port, " of node '",
                                                       name.node, "', which has ", outputs, " output(s)"));
      }
      const auto mapped = input_map_.find(node.out(name.port));
      result_.return_elements.push_back(
          mapped == input_map_.end()
              ? absl::StrCat(copy, ":", name.port)
              : absl::StrCat(graph_.node(mapped->second.node).name(), ":", mapped->second.index));
    }
    return absl::OkStatus();
  }

  absl::Status ReadProducerOps() {
    constexpr uint32_t kOpListOp = 1;
    WireReader reader(options_.producer_op_list);
    for (WireField field; reader.Next(&field);) {
      if (field.number != kOpListOp || field.type != WireType::kBytes) continue;
      ASSIGN_OR_RETURN(OpSchema schema, ParseOpDef(field.bytes));
      const absl::string_view name = schema.name;
      producer_ops_.emplace(std::string(name), std::move(schema));
    }
    if (!reader.ok()) return absl::InvalidArgumentError("producer_op_list is no serialized OpList");
    return absl::OkStatus();
  }

  absl::Status CheckNodes() {
    for (Node node : from_.nodes()) {
      if (!HasOnlyNameChars(node.op())) {
        return absl::InvalidArgumentError(
            absl::StrCat("node '", node.name(), "' has the op '", node.op(), "', which is no name"));
      }
      const AttrView colocations = node.attr("_class");
      if (colocations.kind() != AttrView::kList) continue;
      for (absl::string_view entry : colocations.list_s()) {
        if (!absl::ConsumePrefix(&entry, kColocation) || from_.Find(entry)) continue;
        return absl::InvalidArgumentError(
            absl::StrCat("node '", node.name(), "' expects to be colocated with unknown node '", entry, "'"));
      }
    }
    return absl::OkStatus();
  }

  // Loops of both graphs that have the same name would be one.
  void ChooseFrames() {
    std::set<std::string> taken, own;
    for (Graph* graph : {&graph_, &from_}) {
      for (Node node : graph->nodes()) {
        if (IsEnter(node.op()))
          (graph == &graph_ ? taken : own).insert(node.attr<std::string>("frame_name", ""));
      }
    }
    const std::string stem = result_.prefix.empty() ? "" : result_.prefix + "/";
    for (const std::string& frame : own) {
      if (taken.count(frame) == 0) continue;
      std::string name = stem + frame;
      for (int i = 1; taken.count(name) > 0 || own.count(name) > 0; ++i)
        name = absl::StrCat(stem, frame, "_", i);
      taken.insert(name);
      result_.renamed_frames.push_back(absl::StrCat(frame, " -> ", name));
      frames_.emplace(frame, std::move(name));
    }
  }

  void ChooseResources() {
    std::set<std::string> taken, own;
    for (Graph* graph : {&graph_, &from_}) {
      for (Node node : graph->nodes()) {
        std::string shared = node.attr<std::string>("shared_name", "");
        if (!shared.empty()) (graph == &graph_ ? taken : own).insert(std::move(shared));
      }
    }
    const std::string stem = result_.prefix.empty() ? "" : result_.prefix + "/";
    for (const std::string& name : own) {
      if (taken.count(name) == 0) continue;
      std::string renamed = stem + name;
      for (int i = 1; taken.count(renamed) > 0 || own.count(renamed) > 0; ++i) {
        renamed = absl::StrCat(stem, name, "_", i);
      }
      taken.insert(renamed);
      result_.renamed_resources.push_back(absl::StrCat(name, " -> ", renamed));
      resources_.emplace(name, std::move(renamed));
    }
  }

  absl::Status CopyNodes() {
    copies_.assign(from_.id_limit(), kNoNode);
    std::vector<std::pair<absl::string_view, AttrView>> attrs;
    NodeImporter importer(&graph_);
    for (Node node : from_.nodes()) {
      ASSIGN_OR_RETURN(const Node copy, importer.AddCopy(names_[static_cast<size_t>(node.id())], node));
      copies_[static_cast<size_t>(node.id())] = copy.id();
      ++result_.nodes;
      if (const auto op = functions_.renamed.find(node.op()); op != functions_.renamed.end()) {
        graph_.SetOp(copy, op->second);
      }
      StripNewAttrs(node, copy);
      if (!functions_.renamed.empty()) RenameFunctions(node, copy, &attrs);
      if (!options_.keep_output_shapes) graph_.RemoveAttr(copy, "_output_shapes");
      if (!frames_.empty() && IsEnter(node.op())) {
        const auto frame = frames_.find(node.attr<std::string>("frame_name", ""));
        if (frame != frames_.end()) graph_.SetAttr(copy, "frame_name", AttrString(frame->second));
      }
      if (!resources_.empty()) {
        const auto shared = resources_.find(node.attr<std::string>("shared_name", ""));
        if (shared != resources_.end()) graph_.SetAttr(copy, "shared_name", AttrString(shared->second));
      }
    }
    return absl::OkStatus();
  }

  void RenameFunctions(Node node, Node copy, std::vector<std::pair<absl::string_view, AttrView>>* attrs) {
    node.GetAttrs(attrs);
    for (const auto& [key, value] : *attrs) {
      const bool may_call =
          value.kind() == AttrView::kFunc || (value.kind() == AttrView::kList && !value.list_func().empty());
      if (may_call) graph_.SetAttr(copy, key, RenameFunctionsInAttr(value.bytes(), functions_.renamed));
    }
  }

  void StripNewAttrs(Node node, Node copy) {
    const auto producer = producer_ops_.find(node.op());
    if (producer == producer_ops_.end()) return;
    const OpSchema* consumer = options_.consumer ? FindOp(node.op(), *options_.consumer) : FindOp(node.op());
    if (consumer == nullptr) return;
    for (const absl::string_view key : node.attr_keys()) {
      if (absl::StartsWith(key, "_") || consumer->FindAttr(key) != nullptr) continue;
      const AttrSchema* attr = producer->second.FindAttr(key);
      if (attr == nullptr || !attr->has_default || node.attr(key).bytes() != attr->default_value) continue;
      graph_.RemoveAttr(copy, key);
      ++result_.stripped_attrs;
    }
  }

  void ConnectNodes() {
    for (Node node : from_.nodes()) {
      const Node copy = graph_.node(copies_[static_cast<size_t>(node.id())]);
      for (const InputEdge& edge : node.inputs()) {
        const auto mapped = input_map_.find(edge);
        graph_.AddInput(copy, mapped != input_map_.end()
                                  ? mapped->second
                                  : Output{copies_[static_cast<size_t>(edge.node)], edge.index});
      }
      for (const ControlEdge& edge : node.control_inputs()) {
        const auto mapped = control_map_.find(edge.node);
        graph_.AddControlInput(
            copy, graph_.node(mapped != control_map_.end() ? mapped->second
                                                           : copies_[static_cast<size_t>(edge.node)]));
      }
    }
  }

  // A node that is placed with others has the device of the first of them that has one.
  void PlaceColocated() {
    std::vector<std::pair<Node, std::vector<Node>>> placed;
    for (Node node : from_.nodes()) {
      const AttrView colocations = node.attr("_class");
      if (colocations.kind() != AttrView::kList) continue;
      const Node copy = graph_.node(copies_[static_cast<size_t>(node.id())]);
      std::vector<std::string> entries;
      std::vector<Node> others;
      for (absl::string_view entry : colocations.list_s()) {
        if (!absl::ConsumePrefix(&entry, kColocation)) {
          entries.emplace_back(entry);
          continue;
        }
        const Node other = graph_.node(copies_[static_cast<size_t>(from_.Find(entry).id())]);
        entries.push_back(absl::StrCat(kColocation, other.name()));
        if (other != copy) others.push_back(other);
      }
      graph_.SetAttr(copy, "_class", AttrStringList(entries));
      if (others.empty()) continue;
      graph_.SetDevice(copy, "");
      placed.emplace_back(copy, std::move(others));
    }
    for (const auto& [node, others] : placed) {
      for (const Node other : others) {
        if (other.device().empty()) continue;
        graph_.SetDevice(node, std::string(other.device()));
        break;
      }
    }
  }

  Model &target_, &source_;
  Graph &graph_, &from_;
  const ImportIntoOptions& options_;
  const TakenNames taken_;
  ImportIntoResult result_;
  std::vector<std::string> names_;  // By source node.
  std::vector<NodeId> copies_;      // By source node.
  absl::flat_hash_map<Output, Output> input_map_;
  absl::flat_hash_map<NodeId, NodeId> control_map_;
  std::map<std::string, OpSchema, std::less<>> producer_ops_;
  FunctionMerge functions_;
  absl::flat_hash_map<std::string, std::string> frames_, resources_;
};

absl::Status Check(Model& model, absl::string_view what) {
  const absl::Status status = VerifyStructure(model);
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat(what, ": ", status.message()));
}

}  // namespace

Versions JoinVersions(const Versions& a, const Versions& b) {
  Versions joined;
  joined.producer = std::min(a.producer, b.producer);
  joined.min_consumer = std::max(a.min_consumer, b.min_consumer);
  std::set<int32_t> bad(a.bad_consumers.begin(), a.bad_consumers.end());
  bad.insert(b.bad_consumers.begin(), b.bad_consumers.end());
  joined.bad_consumers.assign(bad.begin(), bad.end());
  return joined;
}

absl::StatusOr<ImportIntoResult> ImportInto(Model& target, Model& source, const ImportIntoOptions& options) {
  RETURN_IF_ERROR(Check(source, "the graph that is imported"));
  RETURN_IF_ERROR(Check(target, "the target"));
  return Importer(&target, &source, &options).Run();
}

}  // namespace cryograph
