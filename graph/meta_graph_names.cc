#include "graph/meta_graph_names.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/stubs/logging.h"
#include "graph/meta_graph.h"
#include "graph/proto/collections.pb.h"
#include "graph/proto/variable.pb.h"

namespace cryograph {
namespace {

// Each of these maps in place and is false if what it maps is gone.
bool Map(const NameMap& map, std::string* name) {
  if (name->empty()) return true;
  std::optional<std::string> mapped = MapTensorName(map, *name);
  if (!mapped.has_value()) return false;
  *name = *std::move(mapped);
  return true;
}

// Elements that are gone are left out.
void MapList(const NameMap& map, google::protobuf::RepeatedPtrField<std::string>* names) {
  google::protobuf::RepeatedPtrField<std::string> kept;
  for (std::string& name : *names) {
    if (Map(map, &name)) *kept.Add() = std::move(name);
  }
  names->Swap(&kept);
}

bool Map(const NameMap& map, tensorflow::SaverDef* saver) {
  return Map(map, saver->mutable_filename_tensor_name()) && Map(map, saver->mutable_save_tensor_name()) &&
         Map(map, saver->mutable_restore_op_name());
}

bool Map(const NameMap& map, tensorflow::VariableDef* variable) {
  if (!Map(map, variable->mutable_variable_name()) || !Map(map, variable->mutable_initializer_name()) ||
      !Map(map, variable->mutable_snapshot_name())) {
    return false;
  }
  if (!Map(map, variable->mutable_initial_value_name())) variable->clear_initial_value_name();
  // The name of the whole is none of a node, but has the scope of its parts.
  if (variable->has_save_slice_info_def())
    Map(map, variable->mutable_save_slice_info_def()->mutable_full_name());
  return true;
}

void Map(const NameMap& map, tensorflow::ValuesDef* values) {
  MapList(map, values->mutable_values());
  google::protobuf::Map<std::string, std::string> external;
  for (const auto& entry : values->external_values()) {
    std::string key = entry.first, value = entry.second;
    if (Map(map, &key) && Map(map, &value)) external[key] = value;
  }
  values->mutable_external_values()->swap(external);
}

bool Map(const NameMap& map, tensorflow::CondContextDef* context);
bool Map(const NameMap& map, tensorflow::WhileContextDef* context);

// Contexts nest no deeper than the parser allows.
void MapNested(const NameMap& map,
               google::protobuf::RepeatedPtrField<tensorflow::ControlFlowContextDef>* contexts) {
  for (tensorflow::ControlFlowContextDef& context : *contexts) {
    if (context.has_cond_ctxt()) Map(map, context.mutable_cond_ctxt());
    if (context.has_while_ctxt()) Map(map, context.mutable_while_ctxt());
  }
}

bool Map(const NameMap& map, tensorflow::CondContextDef* context) {
  // A context has the name of no node: if that is not mapped, it stays, and the nodes decide.
  Map(map, context->mutable_context_name());
  if (!Map(map, context->mutable_pred_name()) || !Map(map, context->mutable_pivot_name())) {
    return false;
  }
  Map(map, context->mutable_values_def());
  MapNested(map, context->mutable_nested_contexts());
  return true;
}

bool Map(const NameMap& map, tensorflow::WhileContextDef* context) {
  // A context has the name of no node: if that is not mapped, it stays, and the nodes decide.
  Map(map, context->mutable_context_name());
  if (!Map(map, context->mutable_pivot_name()) || !Map(map, context->mutable_pivot_for_pred_name()) ||
      !Map(map, context->mutable_pivot_for_body_name())) {
    return false;
  }
  if (!Map(map, context->mutable_maximum_iterations_name())) context->clear_maximum_iterations_name();
  MapList(map, context->mutable_loop_exit_names());
  MapList(map, context->mutable_loop_enter_names());
  Map(map, context->mutable_values_def());
  MapNested(map, context->mutable_nested_contexts());
  return true;
}

bool Map(const NameMap& map, tensorflow::QueueRunnerDef* runner) {
  if (!Map(map, runner->mutable_queue_name())) return false;
  MapList(map, runner->mutable_enqueue_op_name());
  return Map(map, runner->mutable_close_op_name()) && Map(map, runner->mutable_cancel_op_name());
}

template <typename Message>
bool MapAs(const NameMap& map, std::string* bytes) {
  Message message;
  if (!message.ParseFromString(*bytes)) return true;
  if (!Map(map, &message)) return false;
  *bytes = DeterministicBytes(message);
  return true;
}

// An element of a collection's bytes_list, whose kind the collection's name tells.
bool MapBytes(const NameMap& map, absl::string_view collection, std::string* bytes) {
  const google::protobuf::LogSilencer silencer;  // A guess that fails is no error.
  if (collection == "cond_context") return MapAs<tensorflow::CondContextDef>(map, bytes);
  if (collection == "while_context") return MapAs<tensorflow::WhileContextDef>(map, bytes);
  if (collection == "queue_runners") return MapAs<tensorflow::QueueRunnerDef>(map, bytes);
  if (collection == "savers") return MapAs<tensorflow::SaverDef>(map, bytes);
  tensorflow::VariableDef variable;
  if (!variable.ParseFromString(*bytes) || !absl::StrContains(variable.variable_name(), ':')) return true;
  return MapAs<tensorflow::VariableDef>(map, bytes);
}

bool Map(const NameMap& map, tensorflow::TensorInfo* info) {
  if (info->has_coo_sparse()) {
    tensorflow::TensorInfo::CooSparse& sparse = *info->mutable_coo_sparse();
    return Map(map, sparse.mutable_values_tensor_name()) && Map(map, sparse.mutable_indices_tensor_name()) &&
           Map(map, sparse.mutable_dense_shape_tensor_name());
  }
  if (info->has_composite_tensor()) {
    for (tensorflow::TensorInfo& component : *info->mutable_composite_tensor()->mutable_components()) {
      if (!Map(map, &component)) return false;
    }
    return true;
  }
  return info->name().empty() || Map(map, info->mutable_name());
}

bool Map(const NameMap& map, tensorflow::SignatureDef* signature) {
  for (auto& entry : *signature->mutable_inputs()) {
    if (!Map(map, &entry.second)) return false;
  }
  for (auto& entry : *signature->mutable_outputs()) {
    if (!Map(map, &entry.second)) return false;
  }
  return true;
}

bool Map(const NameMap& map, google::protobuf::Any* any) {
  const google::protobuf::LogSilencer silencer;
  tensorflow::AssetFileDef asset;
  if (!absl::EndsWith(any->type_url(), "/tensorflow.AssetFileDef") || !asset.ParseFromString(any->value()))
    return true;
  if (!Map(map, asset.mutable_tensor_info())) return false;
  any->set_value(DeterministicBytes(asset));
  return true;
}

// False if nothing is left of it.
bool MapCollection(const NameMap& map, const std::string& name, tensorflow::CollectionDef* collection) {
  if (collection->has_node_list()) {
    MapList(map, collection->mutable_node_list()->mutable_value());
    return !collection->node_list().value().empty();
  }
  if (collection->has_bytes_list()) {
    google::protobuf::RepeatedPtrField<std::string> kept;
    for (std::string& bytes : *collection->mutable_bytes_list()->mutable_value()) {
      if (MapBytes(map, name, &bytes)) *kept.Add() = std::move(bytes);
    }
    collection->mutable_bytes_list()->mutable_value()->Swap(&kept);
    return !collection->bytes_list().value().empty();
  }
  if (!collection->has_any_list()) return true;
  google::protobuf::RepeatedPtrField<google::protobuf::Any> kept;
  for (google::protobuf::Any& any : *collection->mutable_any_list()->mutable_value()) {
    if (Map(map, &any)) *kept.Add() = std::move(any);
  }
  collection->mutable_any_list()->mutable_value()->Swap(&kept);
  return !collection->any_list().value().empty();
}

}  // namespace

std::optional<std::string> MapTensorName(const NameMap& map, absl::string_view tensor) {
  const bool control = !tensor.empty() && tensor[0] == '^';
  const absl::string_view node = NodeOfTensor(tensor);
  const absl::string_view port = tensor.substr(node.size() + (control ? 1 : 0));
  std::optional<std::string> mapped = map(node);
  if (!mapped.has_value()) return std::nullopt;
  return absl::StrCat(control ? "^" : "", *mapped, port);
}

void MapNames(const NameMap& map, tensorflow::MetaGraphDef* meta_graph) {
  if (meta_graph->has_saver_def() && !Map(map, meta_graph->mutable_saver_def()))
    meta_graph->clear_saver_def();
  std::vector<std::string> gone;
  for (auto& collection : *meta_graph->mutable_collection_def()) {
    if (!MapCollection(map, collection.first, &collection.second)) gone.push_back(collection.first);
  }
  for (const std::string& name : gone) meta_graph->mutable_collection_def()->erase(name);
  gone.clear();
  for (auto& signature : *meta_graph->mutable_signature_def()) {
    if (!Map(map, &signature.second)) gone.push_back(signature.first);
  }
  for (const std::string& name : gone) meta_graph->mutable_signature_def()->erase(name);
  google::protobuf::RepeatedPtrField<tensorflow::AssetFileDef> assets;
  for (tensorflow::AssetFileDef& asset : *meta_graph->mutable_asset_file_def()) {
    if (Map(map, asset.mutable_tensor_info())) *assets.Add() = std::move(asset);
  }
  meta_graph->mutable_asset_file_def()->Swap(&assets);
}

}  // namespace cryograph
