#include "checkpoint/saved_model_writer.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/staged_directory.h"
#include "base/status_macros.h"
#include "checkpoint/bundle_writer.h"
#include "checkpoint/saver_nodes.h"
#include "checkpoint/variable_keys.h"
#include "graph/meta_graph.h"
#include "graph/meta_graph_names.h"
#include "graph/op_list.h"
#include "graph/saved_model_export.h"
#include "graph/signature_maker.h"

namespace cryograph {
namespace {

// Makes the graph's large constants variables and writes their values.
class Outliner {
 public:
  Outliner(Model* model, const SavedModelOptions& options) : graph_(model->graph()), options_(options) {}

  absl::StatusOr<std::vector<VariableNodes>> Run(const std::string& prefix, SavedModelReport* report) {
    std::vector<VariableNodes> variables;
    std::unique_ptr<BundleWriter> writer;
    for (const Node node : graph_.nodes()) {
      if (node.op() != "Const" || !node.control_inputs().empty()) continue;
      const AttrView value = node.attr("value");
      const TensorSource* source = value.tensor_source();
      const uint64_t size = source == nullptr                    ? value.tensor_bytes().size()
                            : DataTypeBytes(source->dtype()) > 0 ? source->num_bytes()
                                                                 : 0;
      if (size < options_.outline_bytes) continue;
      Tensor tensor;
      if (source == nullptr) {
        ASSIGN_OR_RETURN(tensor, node.constant());
        if (DataTypeBytes(tensor.dtype) == 0) continue;
      }
      if (writer == nullptr) {
        ASSIGN_OR_RETURN(writer, BundleWriter::Create(prefix));
      }
      const DataType dtype = source != nullptr ? source->dtype() : tensor.dtype;
      PartialShape shape;
      shape.dims = source != nullptr ? source->dims() : tensor.dims;
      RETURN_IF_ERROR(source != nullptr ? writer->Add(node.name(), *source)
                                        : writer->Add(node.name(), tensor));
      report->outlined_bytes += source != nullptr ? source->num_bytes() : tensor.bytes.size();
      const std::string device(node.device());
      graph_.Clear(node, "VariableV2");
      graph_.SetDevice(node, device);
      graph_.SetAttr(node, "container", AttrString(""));
      graph_.SetAttr(node, "dtype", AttrType(dtype));
      graph_.SetAttr(node, "shape", AttrShape(shape));
      graph_.SetAttr(node, "shared_name", AttrString(""));
      VariableNodes variable;
      variable.node = node;
      variable.dtype = dtype;
      variable.key = std::string(node.name());
      variables.push_back(std::move(variable));
    }
    if (writer != nullptr) RETURN_IF_ERROR(writer->Finish());
    report->outlined = static_cast<int>(variables.size());
    return variables;
  }

 private:
  Graph& graph_;
  const SavedModelOptions& options_;
};

// Replaces what a MetaGraph said of its former saver by what is true now.
absl::Status SetMetaFields(Model& model, const SavedModelOptions& options, const SaverNodes* saver) {
  ASSIGN_OR_RETURN(tensorflow::MetaGraphDef meta_graph, MetaGraphOf(model));
  meta_graph.clear_saver_def();
  meta_graph.clear_object_graph_def();
  // What speaks of nodes that are left stays: the main op and initializers of tables, assets, contexts of
  // loops.
  for (const char* collection : {"savers", "variables", "trainable_variables"}) {
    meta_graph.mutable_collection_def()->erase(collection);
  }
  MapNames(
      [&](absl::string_view name) {
        return model.graph().Find(name) ? std::optional<std::string>(name) : std::nullopt;
      },
      &meta_graph);
  tensorflow::MetaGraphDef::MetaInfoDef& info = *meta_graph.mutable_meta_info_def();
  info.clear_tags();
  for (const std::string& tag : options.tags) info.add_tags(tag);
  *info.mutable_stripped_op_list() = StrippedOpList(model, nullptr);
  if (saver != nullptr) {
    *meta_graph.mutable_saver_def() = saver->saver;
    auto& variables = *(*meta_graph.mutable_collection_def())["variables"].mutable_bytes_list();
    for (const std::string& variable : saver->variable_defs) variables.add_value(variable);
  }
  RETURN_IF_ERROR(FitSignatures(model, options.inputs, options.outputs, &meta_graph).status());
  SetMetaGraph(std::move(meta_graph), &model);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> WriteMessage(Model& model, const std::string& path, const ExportOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> sink, FileSink::Create(path));
  RETURN_IF_ERROR(ExportSavedModel({&model}, *sink, options));
  RETURN_IF_ERROR(sink->Commit());
  return static_cast<uint64_t>(sink->size());
}

}  // namespace

absl::Status CheckHasNoVariables(Model& model) {
  for (const Node node : model.graph().nodes()) {
    if (!IsVariableOp(node.op())) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "node '", node.name(), "' (", node.op(), ") is a variable, whose value is not part of the graph"));
  }
  return absl::OkStatus();
}

absl::StatusOr<SavedModelReport> WriteSavedModel(Model& model, const std::string& directory,
                                                 const SavedModelOptions& options) {
  RETURN_IF_ERROR(CheckHasNoVariables(model));
  ASSIGN_OR_RETURN(const std::unique_ptr<StagedDirectory> staged, StagedDirectory::Create(directory));
  SavedModelReport report;
  ASSIGN_OR_RETURN(const std::vector<VariableNodes> variables,
                   Outliner(&model, options).Run(staged->path() + "/variables/variables", &report));
  SaverNodes saver;
  if (!variables.empty()) {
    ASSIGN_OR_RETURN(saver, AddSaverNodes(model.graph(), variables));
  }
  RETURN_IF_ERROR(SetMetaFields(model, options, variables.empty() ? nullptr : &saver));
  ASSIGN_OR_RETURN(report.message_bytes,
                   WriteMessage(model, staged->path() + "/saved_model.pb", options.graph));
  if (!options.assets.empty()) RETURN_IF_ERROR(CopyTree(options.assets, staged->path() + "/assets"));
  RETURN_IF_ERROR(staged->Commit());
  return report;
}

}  // namespace cryograph
