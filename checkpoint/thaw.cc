#include "checkpoint/thaw.h"

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "checkpoint/bundle_writer.h"
#include "checkpoint/saver_nodes.h"
#include "checkpoint/variable_keys.h"
#include "graph/attr.h"
#include "graph/meta_graph.h"
#include "graph/proto/meta_graph.pb.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

bool IsTrainable(DataType dtype) {
  return dtype == DT_FLOAT || dtype == DT_DOUBLE || dtype == DT_HALF || dtype == DT_BFLOAT16 ||
         dtype == DT_COMPLEX64 || dtype == DT_COMPLEX128;
}

// True if a batch normalization takes output 0 of the node as its mean or variance: these are statistics,
// which training keeps up to date but no optimizer changes. The node may be read through an Identity.
bool IsStatistic(Node node, bool through_identity) {
  for (const Use& use : node.uses()) {
    if (use.slot == kControl) continue;
    const Node reader = node.graph().node(use.user);
    const bool fused = absl::StartsWith(reader.op(), "FusedBatchNorm") && (use.slot == 3 || use.slot == 4);
    const bool old = reader.op() == "BatchNormWithGlobalNormalization" && (use.slot == 1 || use.slot == 2);
    if (fused || old || (through_identity && reader.op() == "Identity" && IsStatistic(reader, false)))
      return true;
  }
  return false;
}

// The value of a constant, wherever it is.
struct Value {
  const TensorSource* source = nullptr;  // Or, if null:
  Tensor tensor;
  DataType dtype() const { return source != nullptr ? source->dtype() : tensor.dtype; }
  const std::vector<int64_t>& dims() const { return source != nullptr ? source->dims() : tensor.dims; }
  uint64_t size() const { return source != nullptr ? source->num_bytes() : tensor.bytes.size(); }
};

class Thawer {
 public:
  Thawer(Model* model, const ThawOptions& options)
      : model_(*model), graph_(model->graph()), options_(options) {}

  absl::StatusOr<ThawReport> Run(const std::string& prefix) {
    for (const Node node : graph_.nodes()) {
      if (!IsVariableOp(node.op())) continue;
      return absl::FailedPreconditionError(absl::StrCat(
          "node '", node.name(), "' (", node.op(), ") is a variable already: only frozen graphs are thawed"));
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<BundleWriter> writer, BundleWriter::Create(prefix));
    for (const Node node : graph_.nodes()) {
      if (node.op() == "Const") RETURN_IF_ERROR(ThawNode(node, *writer));
    }
    if (variables_.empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat("no constant of ", options_.min_bytes, " bytes or more can become a variable",
                       report_.kept.empty() ? "" : absl::StrCat("\nwhy: ", report_.kept[0]),
                       "\ntry: a smaller --min_bytes"));
    }
    RETURN_IF_ERROR(AddInit());
    ASSIGN_OR_RETURN(const SaverNodes saver, AddSaverNodes(graph_, variables_));
    RETURN_IF_ERROR(SetCollections(saver));
    RETURN_IF_ERROR(writer->Finish());
    return std::move(report_);
  }

 private:
  void Keep(Node node, absl::string_view why) {
    report_.kept.push_back(absl::StrCat(node.name(), ": ", why));
  }

  absl::Status ThawNode(Node node, BundleWriter& writer) {
    Value value;
    const AttrView attr = node.attr("value");
    value.source = attr.tensor_source();
    if (value.source == nullptr) {
      ASSIGN_OR_RETURN(const TensorHeader header, DecodeTensorHeader(attr.tensor_bytes()));
      const uint64_t width = static_cast<uint64_t>(DataTypeBytes(header.dtype));
      const absl::StatusOr<int64_t> elements = NumElements(header.dims);
      if (width == 0 || !elements.ok() ||
          static_cast<uint64_t>(*elements) < (options_.min_bytes + width - 1) / width) {
        return absl::OkStatus();
      }
      if (!IsTrainable(header.dtype) && !options_.all_types) {
        Keep(node, absl::StrCat("its type is ", DataTypeName(header.dtype), ", which is not trained"));
        return absl::OkStatus();
      }
      if (options_.select != nullptr && !options_.select(node.name())) return absl::OkStatus();
      ASSIGN_OR_RETURN(value.tensor, node.constant());
    } else {
      if (DataTypeBytes(value.dtype()) == 0 || value.size() < options_.min_bytes) return absl::OkStatus();
      if (!IsTrainable(value.dtype()) && !options_.all_types) {
        Keep(node, absl::StrCat("its type is ", DataTypeName(value.dtype()), ", which is not trained"));
        return absl::OkStatus();
      }
      if (options_.select != nullptr && !options_.select(node.name())) return absl::OkStatus();
    }
    if (!node.control_inputs().empty()) {
      Keep(node, "it waits for another node, as constants inside of loops and branches do");
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(value.source != nullptr ? writer.Add(node.name(), *value.source)
                                            : writer.Add(node.name(), value.tensor));
    report_.bytes += value.size();
    return MakeVariable(node, value.dtype(), value.dims());
  }

  absl::Status MakeVariable(Node node, DataType dtype, const std::vector<int64_t>& dims_of_value) {
    const std::vector<int64_t> dims = dims_of_value;  // The value ends with the attribute that holds it.
    VariableNodes variable;
    variable.node = node;
    variable.dtype = dtype;
    variable.key = std::string(node.name());
    variable.is_resource = options_.resource;
    variable.trainable = IsTrainable(dtype) && !IsStatistic(node, true);
    const std::string name(node.name()), device(node.device());
    PartialShape shape;
    shape.dims = dims;
    graph_.Clear(node, options_.resource ? "VarHandleOp" : "VariableV2");
    graph_.SetDevice(node, device);
    graph_.SetAttr(node, "container", AttrString(""));
    graph_.SetAttr(node, "dtype", AttrType(dtype));
    graph_.SetAttr(node, "shape", AttrShape(shape));
    graph_.SetAttr(node, "shared_name", AttrString(options_.resource ? name : ""));
    ASSIGN_OR_RETURN(variable.snapshot, ReadNode(node, dtype));
    ASSIGN_OR_RETURN(variable.initial_value, InitialValue(node, dtype, dims));
    const Node value = variable.initial_value;
    const std::string assign = graph_.UniqueName(name + "/Assign");
    ASSIGN_OR_RETURN(
        variable.initializer,
        graph_.AddNode(assign, options_.resource ? "AssignVariableOp" : "Assign", {node.out(), value.out()}));
    if (options_.resource) {
      graph_.SetAttr(variable.initializer, "dtype", AttrType(dtype));
    } else {
      graph_.SetAttr(variable.initializer, "T", AttrType(dtype));
      graph_.SetAttr(variable.initializer, "_class", AttrStringList({absl::StrCat("loc:@", name)}));
      graph_.SetAttr(variable.initializer, "use_locking", AttrBool(true));
      graph_.SetAttr(variable.initializer, "validate_shape", AttrBool(true));
    }
    report_.variables.push_back({name, dtype, dims, variable.trainable});
    variables_.push_back(std::move(variable));
    return absl::OkStatus();
  }

  // The one node through which the value is read. Every other reader reads it.
  absl::StatusOr<Node> ReadNode(Node variable, DataType dtype) {
    const std::string name =
        absl::StrCat(variable.name(), options_.resource ? "/Read/ReadVariableOp" : "/read");
    Node read = graph_.Find(name);
    const bool was_there = read && read.op() == "Identity" && read.num_inputs() == 1 &&
                           read.input(0) == variable.out() && read.control_inputs().empty();
    std::vector<Use> readers(variable.uses().begin(), variable.uses().end());
    if (!was_there) {
      ASSIGN_OR_RETURN(read, graph_.AddNode(graph_.UniqueName(name), "Identity", {variable.out()}));
    }
    if (options_.resource) {
      graph_.Clear(read, "ReadVariableOp");
      graph_.AddInput(read, variable.out());
      graph_.SetAttr(read, "dtype", AttrType(dtype));
    } else {
      graph_.SetAttr(read, "T", AttrType(dtype));
      graph_.SetAttr(read, "_class", AttrStringList({absl::StrCat("loc:@", variable.name())}));
    }
    for (const Use& use : readers) {
      if (use.user == read.id()) continue;
      const Node reader = graph_.node(use.user);
      if (use.slot == kControl) continue;  // Who waits for the variable may go on doing so.
      graph_.SetInput(reader, use.slot, read.out());
    }
    return read;
  }

  // Zeros of the variable's shape, made when they are needed.
  absl::StatusOr<Node> InitialValue(Node variable, DataType dtype, const std::vector<int64_t>& dims) {
    const std::string scope = absl::StrCat(variable.name(), "/Initializer/zeros");
    std::vector<int32_t> small(dims.begin(), dims.end());
    std::vector<int64_t> large = dims;
    bool fits = true;
    for (const int64_t dim : dims) fits = fits && dim <= 0x7fffffff;
    const std::vector<int64_t> rank = {static_cast<int64_t>(dims.size())};
    const Node shape =
        graph_.AddConst(scope + "/shape_as_tensor", fits ? Tensor::Of<int32_t>(DT_INT32, rank, small)
                                                         : Tensor::Of<int64_t>(DT_INT64, rank, large));
    const Node zero = graph_.AddConst(
        scope + "/Const",
        Tensor::OfBytes(dtype, {}, std::string(static_cast<size_t>(DataTypeBytes(dtype)), '\0')));
    ASSIGN_OR_RETURN(const Node fill,
                     graph_.AddNode(graph_.UniqueName(scope), "Fill", {shape.out(), zero.out()}));
    graph_.SetAttr(fill, "T", AttrType(dtype));
    graph_.SetAttr(fill, "index_type", AttrType(fits ? DT_INT32 : DT_INT64));
    return fill;
  }

  absl::Status AddInit() {
    ASSIGN_OR_RETURN(const Node init, graph_.AddNode(graph_.UniqueName("init"), "NoOp", {}));
    for (const VariableNodes& variable : variables_) graph_.AddControlInput(init, variable.initializer);
    return absl::OkStatus();
  }

  absl::Status SetCollections(const SaverNodes& saver) {
    ASSIGN_OR_RETURN(tensorflow::MetaGraphDef meta_graph, MetaGraphOf(model_));
    *meta_graph.mutable_saver_def() = saver.saver;
    auto& collections = *meta_graph.mutable_collection_def();
    for (const char* name : {"variables", "trainable_variables"}) {
      const bool all = absl::string_view(name) == "variables";
      collections.erase(name);
      for (size_t i = 0; i < variables_.size(); ++i) {
        if (all || variables_[i].trainable)
          collections[name].mutable_bytes_list()->add_value(saver.variable_defs[i]);
      }
    }
    // What the ops of the old graph were is not what they are now.
    meta_graph.mutable_meta_info_def()->clear_stripped_op_list();
    meta_graph.clear_object_graph_def();
    SetMetaGraph(std::move(meta_graph), &model_);
    return absl::OkStatus();
  }

  Model& model_;
  Graph& graph_;
  const ThawOptions& options_;
  std::vector<VariableNodes> variables_;
  ThawReport report_;
};

}  // namespace

absl::StatusOr<ThawReport> Thaw(Model& model, const std::string& prefix, const ThawOptions& options) {
  return Thawer(&model, options).Run(prefix);
}

}  // namespace cryograph
