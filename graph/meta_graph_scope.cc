#include "graph/meta_graph_scope.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/export.h"
#include "graph/import.h"
#include "graph/meta_graph.h"
#include "graph/meta_graph_names.h"
#include "graph/op_list.h"
#include "graph/op_schema.h"
#include "graph/proto/graph.pb.h"
#include "graph/proto/meta_graph.pb.h"

namespace cryograph {
namespace {

constexpr char kUnboundPrefix[] = "$unbound_inputs_";
constexpr char kUnboundCollection[] = "unbound_inputs";
constexpr absl::string_view kLocation = "loc:@";
constexpr uint32_t kNode = 1, kGraphDef = 2;  // Of GraphDef and MetaGraphDef.

bool IsLoopOp(absl::string_view op) {
  absl::ConsumePrefix(&op, "Ref");
  return op == "Enter" || op == "Exit";
}

bool IsSaverOp(absl::string_view op) {
  static const auto* const kOps = new std::set<absl::string_view>{
      "Save",    "SaveSlices",   "SaveV2",    "ShardedFilename", "MergeV2Checkpoints",
      "Restore", "RestoreSlice", "RestoreV2", "ShardedFilespec"};
  return kOps->count(op) > 0;
}

// "save" for "save/SaveV2"; empty for a name without scope.
absl::string_view ScopeOf(absl::string_view name) {
  const size_t slash = name.rfind('/');
  return slash == absl::string_view::npos ? absl::string_view() : name.substr(0, slash);
}

bool IsBelow(absl::string_view name, absl::string_view scope) {
  return absl::StartsWith(name, scope) && name.size() > scope.size() && name[scope.size()] == '/';
}

// "x" as what it is called once it is unbound; "^x" likewise.
std::string Unbound(absl::string_view input) {
  const bool control = absl::ConsumePrefix(&input, "^");
  return absl::StrCat(control ? "^" : "", kUnboundPrefix, input);
}

// Collects the nodes of a new GraphDef and makes a model of them and of what stays of an old one.
class Assembler {
 public:
  explicit Assembler(Model* model) : model_(*model) {}

  absl::Status Add(const tensorflow::NodeDef& node) {
    AppendBytesField(kNode, DeterministicBytes(node), &nodes_);
    return absl::OkStatus();
  }

  absl::StatusOr<Model> Finish(tensorflow::MetaGraphDef meta_graph, const std::string& functions_and_rest) {
    const auto bytes = std::make_shared<std::string>();
    AppendBytesField(kGraphDef, nodes_ + functions_and_rest, bytes.get());
    meta_graph.clear_graph_def();
    *bytes += DeterministicBytes(meta_graph);
    ASSIGN_OR_RETURN(Model result, ImportMetaGraphDef(*bytes, bytes, model_.path));
    result.variables_prefix = model_.variables_prefix;
    return result;
  }

 private:
  Model& model_;
  std::string nodes_;
};

absl::StatusOr<tensorflow::NodeDef> NodeDefOf(Node node) {
  ExportOptions form;
  form.allow_defects = true;
  ASSIGN_OR_RETURN(const std::string bytes, SerializeNode(node, form));
  tensorflow::NodeDef def;
  if (!def.ParseFromString(bytes))
    return absl::DataLossError(absl::StrCat("node '", node.name(), "' is no message"));
  return def;
}

// Library, versions and whatever else is not a node.
absl::StatusOr<std::string> RestOf(Model& model) {
  StringSink sink;
  ExportOptions form;
  form.allow_defects = true;
  RETURN_IF_ERROR(ExportAllButNodes(model, sink, form));
  return sink.bytes();
}

void StripDefaults(const OpSchema* schema, google::protobuf::Map<std::string, tensorflow::AttrValue>* attrs) {
  if (schema == nullptr) return;
  for (const AttrSchema& attr : schema->attrs) {
    const auto found = attrs->find(std::string(attr.name));
    if (!attr.has_default || found == attrs->end()) continue;
    tensorflow::AttrValue fallback;
    if (!fallback.ParseFromString(attr.default_value)) continue;
    if (DeterministicBytes(fallback) == DeterministicBytes(found->second)) attrs->erase(found);
  }
}

// Node lists of the saver scopes that go.
std::set<std::string> ExtraneousNodes(Model& model, const tensorflow::MetaGraphDef& meta_graph) {
  const std::string own(ScopeOf(NodeOfTensor(meta_graph.saver_def().restore_op_name())));
  std::set<std::string> scopes, nodes;
  for (const Node node : model.graph().nodes()) {
    if (!IsSaverOp(node.op()) || ScopeOf(node.name()).empty()) continue;
    const std::string scope(ScopeOf(node.name()));
    const bool kept = meta_graph.has_saver_def() && (scope == own || IsBelow(scope, own));
    if (!kept) scopes.insert(scope);
  }
  for (const Node node : model.graph().nodes()) {
    for (const std::string& scope : scopes) {
      if (IsBelow(node.name(), scope)) nodes.emplace(node.name());
    }
  }
  return nodes;
}

class Exporter {
 public:
  Exporter(Model* model, const ExportMetaGraphOptions& options, std::vector<std::string>* notes)
      : model_(*model), options_(options), notes_(*notes), assembler_(model), registry_(*model) {
    scope_ = options.scope;
    while (absl::EndsWith(scope_, "/")) scope_.pop_back();
  }

  absl::StatusOr<Model> Run() {
    ASSIGN_OR_RETURN(tensorflow::MetaGraphDef meta_graph, MetaGraphOf(model_));
    if (options_.clear_extraneous_savers) dropped_ = ExtraneousNodes(model_, meta_graph);
    int exported = 0;
    for (const Node node : model_.graph().nodes()) {
      if (!NewName(node.name()).has_value()) continue;
      ++exported;
      ASSIGN_OR_RETURN(tensorflow::NodeDef def, NodeDefOf(node));
      RETURN_IF_ERROR(Edit(&def));
      RETURN_IF_ERROR(assembler_.Add(def));
    }
    if (exported == 0) return NothingBelow();
    MapNames([this](absl::string_view name) { return NewName(name); }, &meta_graph);
    for (const std::string& input : unbound_) {
      (*meta_graph.mutable_collection_def())[kUnboundCollection].mutable_bytes_list()->add_value(input);
    }
    if (options_.strip_default_attrs) meta_graph.mutable_meta_info_def()->set_stripped_default_attrs(true);
    if (!scope_.empty()) meta_graph.clear_object_graph_def();
    Model rest = model_.Clone();
    if (options_.strip_default_attrs) StripFunctions(&rest);
    ASSIGN_OR_RETURN(const std::string others, RestOf(rest));
    ASSIGN_OR_RETURN(Model result, assembler_.Finish(meta_graph, others));
    ASSIGN_OR_RETURN(tensorflow::MetaGraphDef final_meta, MetaGraphOf(result));
    std::vector<std::string> unknown;
    *final_meta.mutable_meta_info_def()->mutable_stripped_op_list() = StrippedOpList(result, &unknown);
    for (const std::string& op : unknown) {
      notes_.push_back(
          absl::StrCat("op '", op, "' is not described in the MetaGraph: nobody here knows it (CG139)"));
    }
    SetMetaGraph(std::move(final_meta), &result);
    return result;
  }

 private:
  std::optional<std::string> NewName(absl::string_view name) const {
    if (dropped_.count(std::string(name)) > 0) return std::nullopt;
    if (scope_.empty()) return std::string(name);
    if (!IsBelow(name, scope_)) return std::nullopt;
    return std::string(name.substr(scope_.size() + 1));
  }

  absl::Status Edit(tensorflow::NodeDef* def) {
    const std::string name = def->name();
    def->set_name(*NewName(name));
    for (std::string& input : *def->mutable_input()) {
      const absl::string_view source = NodeOfTensor(input);
      if (dropped_.count(std::string(source)) > 0) {
        return absl::FailedPreconditionError(
            absl::StrCat("node '", name, "' reads '", input, "', which belongs to a saver that is dropped"));
      }
      const std::optional<std::string> mapped =
          MapTensorName([this](absl::string_view node) { return NewName(node); }, input);
      if (mapped.has_value()) {
        input = *mapped;
        continue;
      }
      input = Unbound(input);
      if (std::find(unbound_.begin(), unbound_.end(), input) == unbound_.end()) unbound_.push_back(input);
    }
    if (options_.clear_devices) def->clear_device();
    auto& attrs = *def->mutable_attr();
    if (const auto found = attrs.find("_class"); found != attrs.end()) {
      google::protobuf::RepeatedPtrField<std::string> kept;
      for (const std::string& entry : found->second.list().s()) {
        absl::string_view node = entry;
        if (!absl::ConsumePrefix(&node, kLocation)) {
          *kept.Add() = entry;
        } else if (const std::optional<std::string> mapped = NewName(node); mapped.has_value()) {
          *kept.Add() = absl::StrCat(kLocation, *mapped);
        }
      }
      if (kept.empty() && !found->second.list().s().empty()) {
        attrs.erase(found);
      } else {
        found->second.mutable_list()->mutable_s()->Swap(&kept);
      }
    }
    if (const auto found = attrs.find("frame_name");
        IsLoopOp(def->op()) && found != attrs.end() && !scope_.empty()) {
      if (IsBelow(found->second.s(), scope_))
        found->second.set_s(found->second.s().substr(scope_.size() + 1));
    }
    if (options_.strip_default_attrs) StripDefaults(registry_.Find(def->op()), &attrs);
    return absl::OkStatus();
  }

  void StripFunctions(Model* rest) {
    for (Function& function : rest->functions()) {
      tensorflow::FunctionDef def;
      if (function.edited() || !def.ParseFromString(std::string(function.wire()))) continue;
      for (tensorflow::NodeDef& node : *def.mutable_node_def()) {
        StripDefaults(registry_.Find(node.op()), node.mutable_attr());
      }
      const auto bytes = std::make_shared<std::string>(DeterministicBytes(def));
      function = Function(*bytes, bytes);
    }
  }

  absl::Status NothingBelow() {
    std::set<absl::string_view> scopes;
    for (const Node node : model_.graph().nodes()) {
      for (absl::string_view scope = ScopeOf(node.name()); !scope.empty(); scope = ScopeOf(scope))
        scopes.insert(scope);
    }
    const std::vector<absl::string_view> candidates(scopes.begin(), scopes.end());
    return absl::NotFoundError(absl::StrCat(model_.path, ": no node is below the scope '", scope_, "'",
                                            DidYouMean(NearestNames(scope_, candidates))));
  }

  Model& model_;
  const ExportMetaGraphOptions& options_;
  std::vector<std::string>& notes_;
  Assembler assembler_;
  OpRegistry registry_;
  std::string scope_;
  std::set<std::string> dropped_;
  std::vector<std::string> unbound_;
};

// "x" and "x:0" are one tensor.
std::string CanonicalInput(absl::string_view input) { return std::string(absl::StripSuffix(input, ":0")); }

// The device of the first node that `colocation` names and that has one: importing gives it to the node.
absl::string_view DeviceOfColocation(const tensorflow::AttrValue& colocation, Graph& graph) {
  for (absl::string_view entry : colocation.list().s()) {
    if (!absl::ConsumePrefix(&entry, kLocation)) continue;
    const Node node = graph.Find(entry);
    if (node && !node.device().empty()) return node.device();
  }
  return absl::string_view();
}

absl::Status CheckScope(absl::string_view scope) {
  const auto valid = [](char c, bool first) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
    return word || (!first && (c == '_' || c == '-' || c == '/' || c == '\\' || c == '>'));
  };
  for (size_t i = 0; i < scope.size(); ++i) {
    if (!valid(scope[i], i == 0))
      return absl::InvalidArgumentError(absl::StrCat("'", scope, "' is not a valid scope name"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Model> ExportMetaGraph(Model& model, const ExportMetaGraphOptions& options,
                                      std::vector<std::string>* notes) {
  std::vector<std::string> unused;
  return Exporter(&model, options, notes == nullptr ? &unused : notes).Run();
}

absl::StatusOr<Model> ImportMetaGraph(Model& model, const ImportMetaGraphOptions& options) {
  std::string scope = options.scope;
  while (absl::EndsWith(scope, "/")) scope.pop_back();
  RETURN_IF_ERROR(CheckScope(scope));
  const auto prefixed = [&scope](absl::string_view name) -> std::optional<std::string> {
    return scope.empty() ? std::string(name) : absl::StrCat(scope, "/", name);
  };
  ASSIGN_OR_RETURN(tensorflow::MetaGraphDef meta_graph, MetaGraphOf(model));
  std::map<std::string, std::string> input_map;
  for (const auto& [from, to] : options.input_map) {
    // What export has left unbound may be named as it was.
    for (const std::string& spelling : {from, Unbound(from)}) input_map[CanonicalInput(spelling)] = to;
  }
  if (const auto unbound = meta_graph.collection_def().find(kUnboundCollection);
      unbound != meta_graph.collection_def().end()) {
    std::vector<std::string> missing;
    for (const std::string& input : unbound->second.bytes_list().value()) {
      if (input_map.count(CanonicalInput(input)) == 0) missing.push_back(input);
    }
    if (!missing.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          model.path, ": Graph contains unbound inputs: ", absl::StrJoin(missing, ", "),
          ". Must provide these inputs through input_map.\ntry: --input_map='", missing[0], "=TENSOR'"));
    }
    meta_graph.mutable_collection_def()->erase(kUnboundCollection);
  }
  std::set<std::string> used;
  Assembler assembler(&model);
  for (const Node node : model.graph().nodes()) {
    ASSIGN_OR_RETURN(tensorflow::NodeDef def, NodeDefOf(node));
    def.set_name(*prefixed(def.name()));
    for (std::string& input : *def.mutable_input()) {
      const auto mapped = input_map.find(CanonicalInput(input));
      if (mapped != input_map.end()) {
        used.insert(mapped->first);
        input = mapped->second;
      } else {
        input = *MapTensorName(prefixed, input);
      }
    }
    auto& attrs = *def.mutable_attr();
    if (const auto found = attrs.find("_class"); found != attrs.end()) {
      def.set_device(std::string(DeviceOfColocation(found->second, model.graph())));
      for (std::string& entry : *found->second.mutable_list()->mutable_s()) {
        absl::string_view name = entry;
        if (absl::ConsumePrefix(&name, kLocation)) entry = absl::StrCat(kLocation, *prefixed(name));
      }
    }
    if (options.clear_devices) def.clear_device();
    // A loop of another scope is another loop.
    if (const auto found = attrs.find("frame_name"); IsLoopOp(def.op()) && found != attrs.end()) {
      found->second.set_s(*prefixed(found->second.s()));
    }
    RETURN_IF_ERROR(assembler.Add(def));
  }
  std::vector<std::string> unmatched;
  for (const auto& [from, to] : options.input_map) {
    const bool node_exists = model.graph().Find(NodeOfTensor(from)) ? true : false;
    if (used.count(CanonicalInput(from)) + used.count(CanonicalInput(Unbound(from))) == 0 && !node_exists)
      unmatched.push_back(from);
  }
  if (!unmatched.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(model.path, ": Attempted to map inputs that were not found in graph_def: [",
                     absl::StrJoin(unmatched, ", "), "]"));
  }
  if (!scope.empty()) meta_graph.clear_object_graph_def();
  MapNames(prefixed, &meta_graph);
  ASSIGN_OR_RETURN(const std::string rest, RestOf(model));
  return assembler.Finish(std::move(meta_graph), rest);
}

}  // namespace cryograph
