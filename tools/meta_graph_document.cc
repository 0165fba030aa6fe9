// The parts of a MetaGraphDef as documents.
#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/unknown_field_set.h"
#include "graph/attr.h"
#include "graph/dtype.h"
#include "graph/meta_graph.h"
#include "graph/proto/collections.pb.h"
#include "graph/proto/variable.pb.h"
#include "tools/model_document.h"

namespace cryograph {
namespace {

std::string TypeText(tensorflow::DataType dtype) { return DataTypeName(static_cast<DataType>(dtype)); }

std::string ShapeTextOf(const tensorflow::TensorShapeProto& shape) {
  PartialShape partial;
  partial.unknown_rank = shape.unknown_rank();
  for (const auto& dim : shape.dim()) partial.dims.push_back(dim.size());
  return PartialShapeText(partial);
}

// Maps sorted by key.
template <typename Map>
std::map<std::string, const typename Map::mapped_type*> Sorted(const Map& map) {
  std::map<std::string, const typename Map::mapped_type*> sorted;
  for (const auto& entry : map) sorted[entry.first] = &entry.second;
  return sorted;
}

template <typename Repeated>
Document StringsOf(const Repeated& values) {
  Document list = Document::Array();
  for (const auto& value : values) list.Add(Document::String(value));
  return list;
}

template <typename Repeated>
Document IntsOf(const Repeated& values) {
  Document list = Document::Array();
  for (const auto value : values) list.Add(Document::Int(static_cast<int64_t>(value)));
  return list;
}

Document TensorInfoDocument(const tensorflow::TensorInfo& info) {
  Document document = Document::Object();
  if (info.has_coo_sparse()) {
    document.Set("values", Document::String(info.coo_sparse().values_tensor_name()));
    document.Set("indices", Document::String(info.coo_sparse().indices_tensor_name()));
    document.Set("dense_shape", Document::String(info.coo_sparse().dense_shape_tensor_name()));
  } else if (info.has_composite_tensor()) {
    document.SetString("type_spec", info.composite_tensor().type_spec().type_spec_class_name());
    document.Set("type_state",
                 Document::String(PythonText(info.composite_tensor().type_spec().type_state())));
    Document components = Document::Array();
    for (const auto& component : info.composite_tensor().components())
      components.Add(TensorInfoDocument(component));
    document.SetIfAny("components", std::move(components));
  } else {
    document.Set("tensor", Document::String(info.name()));
  }
  if (info.dtype() != tensorflow::DT_INVALID) document.SetString("dtype", TypeText(info.dtype()));
  if (info.has_tensor_shape()) document.SetString("shape", ShapeTextOf(info.tensor_shape()));
  return document;
}

Document TensorInfosDocument(const google::protobuf::Map<std::string, tensorflow::TensorInfo>& infos) {
  Document document = Document::Object();
  for (const auto& entry : Sorted(infos)) document.Set(entry.first, TensorInfoDocument(*entry.second));
  return document;
}

Document VariableDocument(const tensorflow::VariableDef& variable) {
  Document document = Document::Object();
  document.Set("variable", Document::String(variable.variable_name()));
  document.SetString("initializer", variable.initializer_name());
  document.SetString("snapshot", variable.snapshot_name());
  document.SetString("initial_value", variable.initial_value_name());
  document.SetBool("resource", variable.is_resource());
  document.Set("trainable", Document::Bool(variable.trainable()));
  if (variable.has_save_slice_info_def()) {
    const auto& slice = variable.save_slice_info_def();
    Document part = Document::Object();
    part.SetString("of", slice.full_name());
    part.Set("full_shape", IntsOf(slice.full_shape()));
    part.Set("offset", IntsOf(slice.var_offset()));
    part.Set("shape", IntsOf(slice.var_shape()));
    document.Set("slice", std::move(part));
  }
  if (variable.synchronization() != 0)
    document.SetString("synchronization",
                       tensorflow::VariableSynchronization_Name(variable.synchronization()));
  if (variable.aggregation() != 0)
    document.SetString("aggregation", tensorflow::VariableAggregation_Name(variable.aggregation()));
  return document;
}

Document ValuesDocument(const tensorflow::ValuesDef& values) {
  Document document = Document::Object();
  document.SetIfAny("values", StringsOf(values.values()));
  Document external = Document::Object();
  for (const auto& entry : Sorted(values.external_values()))
    external.Set(entry.first, Document::String(*entry.second));
  document.SetIfAny("external", std::move(external));
  return document;
}

Document ContextDocument(const tensorflow::CondContextDef& context);
Document ContextDocument(const tensorflow::WhileContextDef& context);

template <typename Repeated>
Document NestedDocument(const Repeated& contexts) {
  Document list = Document::Array();
  for (const tensorflow::ControlFlowContextDef& context : contexts) {
    list.Add(context.has_cond_ctxt() ? ContextDocument(context.cond_ctxt())
                                     : ContextDocument(context.while_ctxt()));
  }
  return list;
}

Document ContextDocument(const tensorflow::CondContextDef& context) {
  Document document = Document::Object();
  document.Set("cond", Document::String(context.context_name()));
  document.SetString("predicate", context.pred_name());
  document.SetString("pivot", context.pivot_name());
  document.Set("branch", Document::Int(context.branch()));
  document.SetIfAny("values", ValuesDocument(context.values_def()));
  document.SetIfAny("nested", NestedDocument(context.nested_contexts()));
  return document;
}

Document ContextDocument(const tensorflow::WhileContextDef& context) {
  Document document = Document::Object();
  document.Set("while", Document::String(context.context_name()));
  document.SetInt("parallel_iterations", context.parallel_iterations());
  document.SetBool("back_prop", context.back_prop());
  document.SetBool("swap_memory", context.swap_memory());
  document.SetString("pivot", context.pivot_name());
  document.SetString("pivot_for_predicate", context.pivot_for_pred_name());
  document.SetString("pivot_for_body", context.pivot_for_body_name());
  document.SetIfAny("exits", StringsOf(context.loop_exit_names()));
  document.SetIfAny("enters", StringsOf(context.loop_enter_names()));
  document.SetString("maximum_iterations", context.maximum_iterations_name());
  document.SetIfAny("values", ValuesDocument(context.values_def()));
  document.SetIfAny("nested", NestedDocument(context.nested_contexts()));
  return document;
}

Document QueueRunnerDocument(const tensorflow::QueueRunnerDef& runner) {
  Document document = Document::Object();
  document.Set("queue", Document::String(runner.queue_name()));
  document.SetIfAny("enqueue", StringsOf(runner.enqueue_op_name()));
  document.SetString("close", runner.close_op_name());
  document.SetString("cancel", runner.cancel_op_name());
  document.SetIfAny("closed_by", IntsOf(runner.queue_closed_exception_types()));
  return document;
}

// Bytes that nobody can decode: text where they are text.
Document BytesDocument(const std::string& bytes) {
  bool printable = true;
  for (const char c : bytes) printable = printable && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  if (printable && IsUtf8(bytes)) return Document::String(bytes);
  constexpr size_t kShown = 64;
  return Document::String(absl::StrCat(bytes.size(), " bytes: ", absl::CHexEscape(bytes.substr(0, kShown)),
                                       bytes.size() > kShown ? "…" : ""));
}

// What the elements of a bytes_list are, told by the collection's name; for a name that a program made up, by
// what all of them can be.
Document DecodedBytes(const std::string& name, const std::string& bytes) {
  const google::protobuf::LogSilencer silencer;  // A guess that fails is no error.
  const auto parsed = [&bytes](google::protobuf::Message* message) {
    return message->ParseFromString(bytes);
  };
  if (name == "cond_context") {
    if (tensorflow::CondContextDef context; parsed(&context)) return ContextDocument(context);
  } else if (name == "while_context") {
    if (tensorflow::WhileContextDef context; parsed(&context)) return ContextDocument(context);
  } else if (name == "queue_runners") {
    if (tensorflow::QueueRunnerDef runner; parsed(&runner)) return QueueRunnerDocument(runner);
  } else if (name == "savers") {
    if (tensorflow::SaverDef saver; parsed(&saver)) return SaverDocument(saver);
  } else {
    tensorflow::VariableDef variable;
    if (parsed(&variable) && !variable.variable_name().empty() &&
        variable.GetReflection()->GetUnknownFields(variable).empty() &&
        absl::StrContains(variable.variable_name(), ':')) {
      return VariableDocument(variable);
    }
  }
  return BytesDocument(bytes);
}

Document AnyDocument(const google::protobuf::Any& any) {
  const google::protobuf::LogSilencer silencer;
  Document document = Document::Object();
  document.Set("type", Document::String(any.type_url()));
  tensorflow::AssetFileDef asset;
  if (absl::EndsWith(any.type_url(), "/tensorflow.AssetFileDef") && asset.ParseFromString(any.value())) {
    document.Set("asset", AssetDocument(asset));
  } else {
    document.Set("value", BytesDocument(any.value()));
  }
  return document;
}

}  // namespace

Document MetaInfoDocument(const tensorflow::MetaGraphDef::MetaInfoDef& info) {
  Document document = Document::Object();
  document.Set("tags", StringsOf(info.tags()));
  document.SetString("tensorflow_version", info.tensorflow_version());
  document.SetString("tensorflow_git_version", info.tensorflow_git_version());
  document.SetString("meta_graph_version", info.meta_graph_version());
  document.SetBool("stripped_default_attrs", info.stripped_default_attrs());
  document.SetInt("ops_described", info.stripped_op_list().op_size());
  if (info.has_any_info()) document.Set("any_info", AnyDocument(info.any_info()));
  Document aliases = Document::Object();
  for (const auto& alias : Sorted(info.function_aliases()))
    aliases.Set(alias.first, Document::String(*alias.second));
  document.SetIfAny("function_aliases", std::move(aliases));
  return document;
}

Document SaverDocument(const tensorflow::SaverDef& saver) {
  Document document = Document::Object();
  document.Set("filename", Document::String(saver.filename_tensor_name()));
  document.Set("save", Document::String(saver.save_tensor_name()));
  document.Set("restore", Document::String(saver.restore_op_name()));
  document.SetInt("max_to_keep", saver.max_to_keep());
  document.SetBool("sharded", saver.sharded());
  if (saver.keep_checkpoint_every_n_hours() != 0)
    document.Set("keep_checkpoint_every_n_hours",
                 Document::Float(static_cast<double>(saver.keep_checkpoint_every_n_hours())));
  document.Set("version",
               Document::String(tensorflow::SaverDef::CheckpointFormatVersion_Name(saver.version()).empty()
                                    ? absl::StrCat(saver.version())
                                    : tensorflow::SaverDef::CheckpointFormatVersion_Name(saver.version())));
  return document;
}

Document CollectionDocument(const std::string& name, const tensorflow::CollectionDef& collection) {
  Document list = Document::Array();
  switch (collection.kind_case()) {
    case tensorflow::CollectionDef::kNodeList:
      return StringsOf(collection.node_list().value());
    case tensorflow::CollectionDef::kBytesList:
      for (const std::string& bytes : collection.bytes_list().value()) list.Add(DecodedBytes(name, bytes));
      return list;
    case tensorflow::CollectionDef::kInt64List:
      return IntsOf(collection.int64_list().value());
    case tensorflow::CollectionDef::kFloatList:
      for (const float value : collection.float_list().value())
        list.Add(Document::Float(static_cast<double>(value)));
      return list;
    case tensorflow::CollectionDef::kAnyList:
      for (const auto& any : collection.any_list().value()) list.Add(AnyDocument(any));
      return list;
    case tensorflow::CollectionDef::KIND_NOT_SET:
      break;
  }
  return list;
}

Document SignatureDocument(const tensorflow::SignatureDef& signature) {
  Document document = Document::Object();
  document.SetString("method", signature.method_name());
  document.Set("inputs", TensorInfosDocument(signature.inputs()));
  document.Set("outputs", TensorInfosDocument(signature.outputs()));
  Document defaults = Document::Object();
  for (const auto& entry : Sorted(signature.defaults())) {
    defaults.Set(entry.first, Document::String(absl::StrCat(TypeText(entry.second->dtype()),
                                                            ShapeTextOf(entry.second->tensor_shape()))));
  }
  document.SetIfAny("defaults", std::move(defaults));
  return document;
}

Document AssetDocument(const tensorflow::AssetFileDef& asset) {
  Document document = Document::Object();
  document.Set("file", Document::String(asset.filename()));
  document.Set("tensor", Document::String(asset.tensor_info().name()));
  return document;
}

Document GraphDocument(Model& model, const DocumentOptions& options) {
  Document document = Document::Object();
  document.Set("nodes", Document::Int(model.graph().num_nodes()));
  Document versions = Document::Object();
  versions.Set("producer", Document::Int(model.versions().producer));
  versions.SetInt("min_consumer", model.versions().min_consumer);
  versions.SetIfAny("bad_consumers", IntsOf(model.versions().bad_consumers));
  document.Set("versions", std::move(versions));
  std::map<std::string, int64_t> counts;
  for (const Node node : model.graph().nodes()) ++counts[std::string(node.op())];
  Document ops = Document::Object();
  for (const auto& count : counts) ops.Set(count.first, Document::Int(count.second));
  document.Set("ops", std::move(ops));
  Document functions = Document::Array();
  for (const Function& function : model.functions()) {
    int64_t nodes = 0, inputs = 0, outputs = 0;
    WireReader reader(function.wire());
    for (WireField field; reader.Next(&field);) nodes += field.number == 3 ? 1 : 0;
    WireReader signature(function.signature());
    for (WireField field; signature.Next(&field);) {
      inputs += field.number == 2 ? 1 : 0;
      outputs += field.number == 3 ? 1 : 0;
    }
    Document each = Document::Object();
    each.Set("name", Document::String(function.name()));
    each.Set("nodes", Document::Int(nodes));
    each.Set("inputs", Document::Int(inputs));
    each.Set("outputs", Document::Int(outputs));
    functions.Add(std::move(each));
  }
  document.SetIfAny("functions", std::move(functions));
  if (!options.nodes) return document;
  Document nodes = Document::Array();
  for (const Node node : model.graph().nodes()) {
    Document each = Document::Object();
    each.Set("name", Document::String(node.name()));
    each.Set("op", Document::String(node.op()));
    Document inputs = Document::Array();
    for (const InputEdge& edge : node.inputs()) {
      const absl::string_view name = model.graph().node(edge.node).name();
      inputs.Add(Document::String(edge.index == 0 ? std::string(name) : absl::StrCat(name, ":", edge.index)));
    }
    for (const ControlEdge& edge : node.control_inputs()) {
      inputs.Add(Document::String(absl::StrCat("^", model.graph().node(edge.node).name())));
    }
    each.SetIfAny("inputs", std::move(inputs));
    each.SetString("device", node.device());
    nodes.Add(std::move(each));
  }
  document.Set("node_list", std::move(nodes));
  return document;
}

absl::StatusOr<Document> ModelDocument(Model& model, const DocumentOptions& options) {
  ASSIGN_OR_RETURN(const tensorflow::MetaGraphDef meta_graph, MetaGraphOf(model));
  Document document = Document::Object();
  if (meta_graph.has_meta_info_def()) document.Set("meta_info", MetaInfoDocument(meta_graph.meta_info_def()));
  document.Set("graph", GraphDocument(model, options));
  if (meta_graph.has_saver_def()) document.Set("saver", SaverDocument(meta_graph.saver_def()));
  Document collections = Document::Object();
  for (const auto& entry : Sorted(meta_graph.collection_def())) {
    collections.Set(entry.first, CollectionDocument(entry.first, *entry.second));
  }
  document.SetIfAny("collections", std::move(collections));
  Document signatures = Document::Object();
  for (const auto& entry : Sorted(meta_graph.signature_def()))
    signatures.Set(entry.first, SignatureDocument(*entry.second));
  document.SetIfAny("signatures", std::move(signatures));
  Document assets = Document::Array();
  for (const auto& asset : meta_graph.asset_file_def()) assets.Add(AssetDocument(asset));
  document.SetIfAny("assets", std::move(assets));
  if (meta_graph.has_object_graph_def())
    document.Set("object_graph", ObjectGraphDocument(meta_graph.object_graph_def()));
  return document;
}

}  // namespace cryograph
