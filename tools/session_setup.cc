#include "tools/session_setup.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/wire_field.h"
#include "graph/model.h"
#include "graph/model_assets.h"
#include "graph/open.h"
#include "tools/placeholder_shape.h"
#include "tools/variable_values.h"

namespace cryograph {
namespace {

// MetaGraphDef fields.
constexpr uint32_t kSignatureDef = 5;

std::string NodeName(absl::string_view tensor) { return std::string(tensor.substr(0, tensor.find(':'))); }

// The node that initializes a SavedModel: the signature __saved_model_init_op of TF2, or one of the
// collections of TF1; empty if there is none.
std::string InitNode(const Model& model) {
  for (const RawField& field : model.meta_fields) {
    if (field.number != kSignatureDef || BytesField(field.payload, 1) != "__saved_model_init_op") continue;
    const absl::string_view outputs = BytesField(BytesField(field.payload, 2), 2);  // SignatureDef.outputs
    return NodeName(BytesField(BytesField(outputs, 2), 1));                         // TensorInfo.name
  }
  for (const char* collection : {"saved_model_main_op", "legacy_init_op"}) {
    const absl::string_view node_list =
        BytesField(model.Collection(collection), 1);  // CollectionDef.node_list
    const absl::string_view node = BytesField(node_list, 1);
    if (!node.empty()) return NodeName(node);
  }
  return "";
}

// The folder of a SavedModel that was opened as `path`.
std::string FolderOf(const Model& model, const std::string& path) {
  if (!model.variables_prefix.empty()) {
    return std::string(absl::StripSuffix(model.variables_prefix, "/variables/variables"));
  }
  const bool is_file = absl::EndsWith(path, ".pb") || absl::EndsWith(path, ".pbtxt");
  const size_t slash = path.rfind('/');
  if (!is_file) return path;
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

absl::Status Initialize(Executor& executor, const std::string& init_node,
                        const std::vector<ModelAsset>& assets, const std::string& folder,
                        const SessionOptions& options) {
  if (!init_node.empty()) {
    std::vector<std::pair<std::string, Value>> feeds;
    for (const ModelAsset& asset : assets) {
      ASSIGN_OR_RETURN(Value path, Value::Allocate(DT_STRING, {}, executor.pool()));
      *path.mutable_data<std::string>() = absl::StrCat(folder, "/assets/", asset.filename);
      feeds.emplace_back(asset.tensor, std::move(path));
    }
    RETURN_IF_ERROR(executor.RunOnce(feeds, {}, {init_node}, options.init_limits).status());
  }
  if (options.init_nodes.empty()) return absl::OkStatus();
  return executor.RunOnce({}, {}, options.init_nodes, options.init_limits).status();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> OpenSession(const SessionOptions& options,
                                                     std::vector<std::string>* notes) {
  OpenOptions open;
  open.tags = options.tags;
  ASSIGN_OR_RETURN(Model model, OpenModel(options.graph, open, notes));
  auto session = std::make_unique<Session>();
  std::vector<VariableValue> variables;
  const std::string checkpoint = options.checkpoint.empty() ? model.variables_prefix : options.checkpoint;
  if (!checkpoint.empty()) {
    ASSIGN_OR_RETURN(session->checkpoint, Checkpoint::Open(checkpoint, notes));
    ASSIGN_OR_RETURN(variables, FindVariableValues(model, *session->checkpoint, notes));
  }
  for (Node node : model.graph().nodes()) {
    if (!IsPlaceholderOp(node.op())) continue;
    PartialShape shape = DeclaredShape(node, model.versions().producer);
    if (!shape.unknown_rank) session->input_shapes.emplace(node.name(), std::move(shape));
  }
  const std::string init_node = InitNode(model);
  const std::vector<ModelAsset> assets = AssetsOf(model);
  const std::string folder = FolderOf(model, options.graph);
  ASSIGN_OR_RETURN(session->executor, Executor::Create(std::move(model), options.executor));
  if (session->checkpoint != nullptr) {
    RETURN_IF_ERROR(RestoreVariables(variables, *session->checkpoint, *session->executor));
  }
  RETURN_IF_ERROR(Initialize(*session->executor, init_node, assets, folder, options));
  return session;
}

}  // namespace cryograph
