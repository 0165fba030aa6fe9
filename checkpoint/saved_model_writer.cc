#include "checkpoint/saved_model_writer.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/byte_sink.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/bundle_writer.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "graph/op_schema.h"
#include "graph/proto/meta_graph.pb.h"
#include "graph/proto/variable.pb.h"

namespace cryograph {
namespace {

enum MetaGraphField : uint32_t { kMetaInfo = 1, kSaver = 3, kCollection = 4, kSignature = 5, kAsset = 6 };

std::string Deterministic(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

// A variable that stands where a large constant stood.
struct Outlined {
  Node node;
  DataType dtype;
};

// Makes the graph's large constants variables and writes their values.
class Outliner {
 public:
  Outliner(Model* model, const SavedModelOptions& options) : graph_(model->graph()), options_(options) {}

  absl::StatusOr<std::vector<Outlined>> Run(const std::string& prefix, SavedModelReport* report) {
    std::vector<Outlined> variables;
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
      variables.push_back({node, dtype});
    }
    if (writer != nullptr) RETURN_IF_ERROR(writer->Finish());
    report->outlined = static_cast<int>(variables.size());
    return variables;
  }

 private:
  Graph& graph_;
  const SavedModelOptions& options_;
};

// The nodes by which a loader restores the variables, and a saver could save them again.
class SaverNodes {
 public:
  SaverNodes(Graph* graph, const std::vector<Outlined>& variables) : graph_(*graph), variables_(variables) {}

  absl::StatusOr<tensorflow::SaverDef> Add() {
    scope_ = "save";
    for (int i = 1;
         graph_.Find(absl::StrCat(scope_, "/Const")) || graph_.Find(absl::StrCat(scope_, "/restore_all"));
         ++i) {
      scope_ = absl::StrCat("save_", i);
    }
    const Node file = graph_.AddConst(Name("Const"), Tensor::OfStrings({}, {"model"}));
    std::vector<std::string> keys;
    std::vector<DataType> dtypes;
    for (const Outlined& variable : variables_) {
      keys.emplace_back(variable.node.name());
      dtypes.push_back(variable.dtype);
    }
    const std::vector<int64_t> dims = {static_cast<int64_t>(keys.size())};
    const Node names = graph_.AddConst(Name("tensor_names"), Tensor::OfStrings(dims, keys));
    const Node slices = graph_.AddConst(Name("shape_and_slices"),
                                        Tensor::OfStrings(dims, std::vector<std::string>(keys.size())));

    std::vector<Output> saved = {file.out(), names.out(), slices.out()};
    for (const Outlined& variable : variables_) saved.push_back(variable.node.out());
    ASSIGN_OR_RETURN(const Node save, graph_.AddNode(Name("SaveV2"), "SaveV2", saved));
    graph_.SetAttr(save, "dtypes", AttrTypeList(dtypes));
    ASSIGN_OR_RETURN(const Node save_done,
                     graph_.AddNode(Name("control_dependency"), "Identity", {file.out()}));
    graph_.SetAttr(save_done, "T", AttrType(DT_STRING));
    graph_.AddControlInput(save_done, save);

    ASSIGN_OR_RETURN(const Node restore,
                     graph_.AddNode(Name("RestoreV2"), "RestoreV2", {file.out(), names.out(), slices.out()}));
    graph_.SetAttr(restore, "dtypes", AttrTypeList(dtypes));
    ASSIGN_OR_RETURN(const Node restore_all, graph_.AddNode(Name("restore_all"), "NoOp", {}));
    for (size_t i = 0; i < variables_.size(); ++i) {
      const Node variable = variables_[i].node;
      ASSIGN_OR_RETURN(const Node assign,
                       graph_.AddNode(AssignName(i), "Assign",
                                      {variable.out(), restore.out(static_cast<int>(i))}, restore_all));
      graph_.SetAttr(assign, "T", AttrType(variables_[i].dtype));
      graph_.SetAttr(assign, "_class", AttrStringList({absl::StrCat("loc:@", variable.name())}));
      graph_.SetAttr(assign, "use_locking", AttrBool(true));
      graph_.SetAttr(assign, "validate_shape", AttrBool(true));
      graph_.AddControlInput(restore_all, assign);
    }

    tensorflow::SaverDef saver;
    saver.set_filename_tensor_name(absl::StrCat(file.name(), ":0"));
    saver.set_save_tensor_name(absl::StrCat(save_done.name(), ":0"));
    saver.set_restore_op_name(std::string(restore_all.name()));
    saver.set_version(tensorflow::SaverDef::V2);
    return saver;
  }

  // The `variables` collection: by it TensorFlow 2 knows what to lift out of the graph.
  tensorflow::CollectionDef Collection() const {
    tensorflow::CollectionDef collection;
    for (size_t i = 0; i < variables_.size(); ++i) {
      const std::string name(variables_[i].node.name());
      tensorflow::VariableDef variable;
      variable.set_variable_name(name + ":0");
      variable.set_initializer_name(AssignName(i));
      variable.set_snapshot_name(name + ":0");
      collection.mutable_bytes_list()->add_value(Deterministic(variable));
    }
    return collection;
  }

 private:
  std::string Name(absl::string_view name) const { return absl::StrCat(scope_, "/", name); }
  std::string AssignName(size_t i) const {
    return i == 0 ? Name("Assign") : Name(absl::StrCat("Assign_", i));
  }

  Graph& graph_;
  const std::vector<Outlined>& variables_;
  std::string scope_;
};

// Gives tensors their places and types in a signature.
class SignatureMaker {
 public:
  explicit SignatureMaker(Model* model) : graph_(model->graph()), registry_(*model) {}

  absl::Status Fill(const std::vector<std::string>& tensors,
                    google::protobuf::Map<std::string, tensorflow::TensorInfo>* infos) {
    for (const std::string& text : tensors) {
      const size_t colon = text.rfind(':');
      const Node node = graph_.Find(absl::string_view(text).substr(0, colon));
      int port = 0;
      if (!node || (colon != std::string::npos && !absl::SimpleAtoi(text.substr(colon + 1), &port))) {
        return absl::InvalidArgumentError(
            absl::StrCat("the signature cannot name '", text, "': the graph has no such tensor"));
      }
      std::string key(node.name().substr(node.name().rfind('/') + 1));
      if (port != 0) absl::StrAppend(&key, "_", port);
      if (infos->contains(key)) key = absl::StrCat(absl::StrReplaceAll(node.name(), {{"/", "_"}}), "_", port);
      tensorflow::TensorInfo& info = (*infos)[key];
      info.set_name(absl::StrCat(node.name(), ":", port));
      Describe(node, port, &info);
    }
    return absl::OkStatus();
  }

 private:
  void Describe(Node node, int port, tensorflow::TensorInfo* info) {
    if (const auto types = registry_.OutputTypes(node);
        types.ok() && port < static_cast<int>(types->size())) {
      info->set_dtype(static_cast<tensorflow::DataType>(BaseType((*types)[static_cast<size_t>(port)])));
    }
    PartialShape shape;
    shape.unknown_rank = true;
    const std::vector<PartialShape> inferred = node.attr("_output_shapes").list_shape();
    if (node.attr("shape").kind() == AttrView::kShape && absl::StartsWith(node.op(), "Placeholder")) {
      shape = node.attr("shape").shape();
    } else if (port < static_cast<int>(inferred.size())) {
      shape = inferred[static_cast<size_t>(port)];
    }
    info->mutable_tensor_shape()->set_unknown_rank(shape.unknown_rank);
    for (const int64_t dim : shape.dims) info->mutable_tensor_shape()->add_dim()->set_size(dim);
  }

  Graph& graph_;
  OpRegistry registry_;
};

// True if every tensor that the serialized map entry of a SignatureDef names is in the graph.
bool SignatureHolds(absl::string_view entry, Graph& graph) {
  tensorflow::MetaGraphDef parsed;
  std::string field;
  AppendBytesField(kSignature, entry, &field);
  if (!parsed.ParseFromString(field)) return false;
  const auto holds = [&](const google::protobuf::Map<std::string, tensorflow::TensorInfo>& infos) {
    for (const auto& info : infos) {
      const std::string& name = info.second.name();
      if (!name.empty() && !graph.Find(absl::string_view(name).substr(0, name.rfind(':')))) return false;
    }
    return true;
  };
  for (const auto& signature : parsed.signature_def()) {
    if (!holds(signature.second.inputs()) || !holds(signature.second.outputs())) return false;
  }
  return true;
}

// Replaces what a MetaGraph said of its former saver by what is true now.
absl::Status SetMetaFields(Model& model, const SavedModelOptions& options, const tensorflow::SaverDef* saver,
                           const tensorflow::CollectionDef& variables) {
  auto bytes = std::make_shared<std::vector<std::unique_ptr<std::string>>>();
  std::vector<RawField> fields;
  const auto add = [&](uint32_t number, const std::string& payload) {
    bytes->push_back(std::make_unique<std::string>());
    AppendBytesField(number, payload, bytes->back().get());
    const absl::string_view raw = *bytes->back();
    fields.push_back({number, raw, raw.substr(raw.size() - payload.size())});
  };

  tensorflow::MetaGraphDef::MetaInfoDef info;
  if (!info.ParseFromString(std::string(model.MetaField(kMetaInfo)))) info.Clear();
  info.clear_tags();
  for (const std::string& tag : options.tags) info.add_tags(tag);
  info.clear_stripped_op_list();
  add(kMetaInfo, Deterministic(info));
  if (saver != nullptr) {
    add(kSaver, Deterministic(*saver));
    std::string entry;
    AppendBytesField(1, "variables", &entry);
    AppendBytesField(2, Deterministic(variables), &entry);
    add(kCollection, entry);
  }
  bool has_signature = false;
  for (const RawField& field : model.meta_fields) {
    if (field.number == kAsset) fields.push_back(field);
    if (field.number != kSignature || !SignatureHolds(field.payload, model.graph())) continue;
    fields.push_back(field);
    has_signature = true;
  }
  if (!has_signature && !options.outputs.empty()) {
    tensorflow::SignatureDef signature;
    SignatureMaker maker(&model);
    RETURN_IF_ERROR(maker.Fill(options.inputs, signature.mutable_inputs()));
    RETURN_IF_ERROR(maker.Fill(options.outputs, signature.mutable_outputs()));
    signature.set_method_name("tensorflow/serving/predict");
    std::string entry;
    AppendBytesField(1, "serving_default", &entry);
    AppendBytesField(2, Deterministic(signature), &entry);
    add(kSignature, entry);
  }
  model.meta_fields = std::move(fields);
  model.KeepAlive(bytes);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> WriteMessage(Model& model, const std::string& path, const ExportOptions& options) {
  ASSIGN_OR_RETURN(const uint64_t meta_graph, MetaGraphDefSize(model, options));
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> sink, FileSink::Create(path));
  std::string head;
  AppendVarintField(1, 1, &head);  // saved_model_schema_version
  AppendBytesHeader(2, meta_graph, &head);
  RETURN_IF_ERROR(sink->Append(head));
  RETURN_IF_ERROR(ExportMetaGraphDef(model, *sink, options));
  RETURN_IF_ERROR(sink->Commit());
  return head.size() + meta_graph;
}

}  // namespace

absl::StatusOr<SavedModelReport> WriteSavedModel(Model& model, const std::string& directory,
                                                 const SavedModelOptions& options) {
  namespace fs = std::filesystem;
  std::string target = directory;
  while (target.size() > 1 && target.back() == '/') target.pop_back();
  std::error_code error;
  if (fs::exists(target, error) && !(fs::is_directory(target, error) && fs::is_empty(target, error))) {
    return absl::AlreadyExistsError(absl::StrCat(directory,
                                                 ": there is something already, and a SavedModel is not "
                                                 "written over it\ntry: another name, or remove it"));
  }
  const fs::path parent = fs::path(target).parent_path();
  if (!parent.empty()) fs::create_directories(parent, error);
  std::string temporary = absl::StrCat(target, ".tmp-XXXXXX");
  if (mkdtemp(temporary.data()) == nullptr) {
    return absl::UnavailableError(
        absl::StrCat(directory, ": cannot create a folder beside it: ", strerror(errno)));
  }
  absl::Cleanup remove_temporary = [&] {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
  };
  fs::permissions(temporary, fs::perms(0755), error);

  SavedModelReport report;
  ASSIGN_OR_RETURN(const std::vector<Outlined> variables,
                   Outliner(&model, options).Run(temporary + "/variables/variables", &report));
  SaverNodes saver_nodes(&model.graph(), variables);
  tensorflow::SaverDef saver;
  if (!variables.empty()) {
    ASSIGN_OR_RETURN(saver, saver_nodes.Add());
  }
  RETURN_IF_ERROR(
      SetMetaFields(model, options, variables.empty() ? nullptr : &saver, saver_nodes.Collection()));
  ASSIGN_OR_RETURN(report.message_bytes, WriteMessage(model, temporary + "/saved_model.pb", options.graph));
  fs::rename(temporary, target, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat(directory, ": cannot rename: ", error.message()));
  }
  std::move(remove_temporary).Cancel();
  return report;
}

}  // namespace cryograph
