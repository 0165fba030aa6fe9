#include "transforms/table_contents.h"

#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/model_assets.h"
#include "graph/op_schema.h"

namespace cryograph {
namespace {

constexpr int kDeepest = 100;
constexpr int64_t kMostElements = int64_t{1} << 28;

bool IsFromFile(absl::string_view op) {
  return op == "InitializeTableFromTextFile" || op == "InitializeTableFromTextFileV2";
}

bool IsCall(absl::string_view op) { return op == "PartitionedCall" || op == "StatefulPartitionedCall"; }
bool IsFolder(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string FolderOf(const std::string& path) {
  if (IsFolder(path)) return path;
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// Names that lead out of the folder are not followed.
bool StaysInside(absl::string_view name) {
  if (absl::StartsWith(name, "/")) return false;
  for (absl::string_view part : absl::StrSplit(name, '/')) {
    if (part == "..") return false;
  }
  return true;
}

absl::Status NotConstant(Node node) {
  return absl::UnimplementedError(absl::StrCat("its contents are computed by '", node.name(), "' (",
                                               node.op(), "), which would have to be run"));
}

absl::StatusOr<int64_t> IntegerOf(const Tensor& tensor) {
  if (tensor.num_elements() == 1 && tensor.dtype == DT_INT32) return tensor.Copy<int32_t>()[0];
  if (tensor.num_elements() == 1 && tensor.dtype == DT_INT64) return tensor.Copy<int64_t>()[0];
  return absl::InvalidArgumentError("a range from other than whole numbers");
}

template <typename T>
Tensor Convert(const std::vector<int64_t>& values, DataType dtype, std::vector<int64_t> dims) {
  std::vector<T> converted(values.begin(), values.end());
  return Tensor::Of<T>(dtype, std::move(dims), converted);
}

absl::StatusOr<Tensor> IntegerTensor(const std::vector<int64_t>& values, DataType dtype,
                                     std::vector<int64_t> dims, Node node) {
  if (dtype == DT_INT32) return Convert<int32_t>(values, dtype, std::move(dims));
  if (dtype == DT_INT64) return Convert<int64_t>(values, dtype, std::move(dims));
  return NotConstant(node);
}

}  // namespace

bool InitializesTable(absl::string_view op) {
  return op == "InitializeTable" || op == "InitializeTableV2" || op == "LookupTableImport" ||
         op == "LookupTableImportV2" || IsFromFile(op);
}

TableFinder::TableFinder(Model& model, ConstantEvaluator* evaluator)
    : model_(model), folder_(absl::StrCat(FolderOf(model.path), "/assets")), computed_(model, evaluator) {
  for (ModelAsset& asset : AssetsOf(model)) {
    assets_[asset.tensor.substr(0, asset.tensor.find(':'))] = std::move(asset.filename);
  }
}

// The op of `scope` that `user`, which reads the table, is or calls; the null node if it does something else.
absl::StatusOr<Node> TableFinder::InitializerIn(const Scope& scope, Node user, int slot, Scope* inside) {
  *inside = scope;
  if (InitializesTable(user.op())) return slot == 0 ? user : Node();
  if (scope.call || !IsCall(user.op())) return Node();
  const absl::string_view name = user.attr("f").func_name();
  for (Function& function : model_.functions()) {
    if (function.name() != name) continue;
    ASSIGN_OR_RETURN(const OpSchema signature, ParseOpDef(function.signature()));
    if (static_cast<size_t>(slot) >= signature.inputs.size()) return Node();
    ASSIGN_OR_RETURN(inside->graph, function.body());
    inside->call = user;
    inside->arguments.clear();
    for (const ArgSchema& argument : signature.inputs) inside->arguments.emplace_back(argument.name);
    const std::string& wanted = inside->arguments[static_cast<size_t>(slot)];
    for (Node node : inside->graph->nodes()) {
      if (InitializesTable(node.op()) && node.num_inputs() > 0 && node.input_node(0).is_argument() &&
          node.input_node(0).name() == wanted) {
        return node;
      }
    }
  }
  return Node();
}

std::vector<Node> TableFinder::Initializers(Node table) {
  const Scope main{&model_.graph(), Node(), {}};
  std::vector<Node> found;
  for (const Use& use : table.uses()) {
    if (use.slot == kControl) continue;
    const Node user = model_.graph().node(use.user);
    Scope inside;
    const absl::StatusOr<Node> initializer = InitializerIn(main, user, use.slot, &inside);
    if (initializer.ok() && *initializer) found.push_back(user);
  }
  std::sort(found.begin(), found.end(), [](Node a, Node b) { return a.id() < b.id(); });
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

absl::StatusOr<TableContents> TableFinder::Find(Node table) {
  const std::vector<Node> initializers = Initializers(table);
  if (initializers.empty()) return absl::NotFoundError("nothing in the graph initializes it");
  if (initializers.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("both '", initializers[0].name(), "' and '", initializers[1].name(), "' initialize it"));
  }
  TableContents result;
  result.initializer = initializers[0];
  int slot = 0;
  while (result.initializer.input(slot).node != table.id()) ++slot;
  Scope scope;
  ASSIGN_OR_RETURN(const Node op,
                   InitializerIn({&model_.graph(), Node(), {}}, result.initializer, slot, &scope));
  if (!IsFromFile(op.op())) {
    if (op.num_inputs() != 3)
      return absl::InvalidArgumentError(absl::StrCat("'", op.name(), "' has no keys and values"));
    ASSIGN_OR_RETURN(result.contents.keys, Contents(scope, op.input(1)));
    ASSIGN_OR_RETURN(result.contents.values, Contents(scope, op.input(2)));
    result.source = "constants";
    return result;
  }
  if (op.num_inputs() != 2) return absl::InvalidArgumentError(absl::StrCat("'", op.name(), "' has no file"));
  ASSIGN_OR_RETURN(result.source, Path(scope, op.input(1)));
  ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(result.source));
  VocabularyFormat format;
  format.key_index = op.attr("key_index", int64_t{-2});
  format.value_index = op.attr("value_index", int64_t{-1});
  format.size = op.attr("vocab_size", int64_t{-1});
  format.offset = op.attr("offset", int64_t{0});
  const std::string delimiter = op.attr("delimiter", std::string("\t"));
  if (delimiter.size() == 1) format.delimiter = delimiter[0];
  format.key_dtype = table.attr("key_dtype", DT_INVALID);
  format.value_dtype = table.attr("value_dtype", DT_INVALID);
  ASSIGN_OR_RETURN(result.contents, ParseVocabulary(file->bytes(), format, result.source));
  return result;
}

// What the caller of a function hands to the argument `output`.
absl::StatusOr<Output> TableFinder::FromCaller(const Scope& scope, Output output) {
  const Node argument = scope.graph->node(output.node);
  for (size_t i = 0; i < scope.arguments.size(); ++i) {
    if (scope.arguments[i] == argument.name() && static_cast<int>(i) < scope.call.num_inputs()) {
      return scope.call.input(static_cast<int>(i));
    }
  }
  return absl::InvalidArgumentError(absl::StrCat("argument '", argument.name(), "' is not given"));
}

// What Value() does not know the evaluator computes, if it is in the main graph or given by it.
absl::StatusOr<Tensor> TableFinder::Contents(const Scope& scope, Output output) {
  absl::StatusOr<Tensor> value = Value(scope, output);
  if (value.status().code() != absl::StatusCode::kUnimplemented) return value;
  if (scope.graph != &model_.graph()) {
    if (!scope.graph->node(output.node).is_argument()) return value;
    ASSIGN_OR_RETURN(output, FromCaller(scope, output));
  }
  absl::StatusOr<Tensor> computed = computed_.Compute(output);
  if (computed.ok()) return computed;
  return absl::UnimplementedError(
      absl::StrCat(value.status().message(), ", and they cannot be computed: ", computed.status().message()));
}

absl::StatusOr<Tensor> TableFinder::Value(const Scope& scope, Output output, int depth) {
  const Node node = scope.graph->node(output.node);
  if (depth > kDeepest) return NotConstant(node);
  if (node.is_argument()) {
    ASSIGN_OR_RETURN(const Output given, FromCaller(scope, output));
    return Value({&model_.graph(), Node(), {}}, given, depth + 1);
  }
  const absl::string_view op = node.op();
  if (op == "Const") return node.constant();
  if (op == "Identity" && node.num_inputs() == 1) return Value(scope, node.input(0), depth + 1);
  if (op == "Cast" && node.num_inputs() == 1) {
    ASSIGN_OR_RETURN(const Tensor value, Value(scope, node.input(0), depth + 1));
    std::vector<int64_t> numbers;
    if (value.dtype == DT_INT64) {
      numbers = value.Copy<int64_t>();
    } else if (value.dtype == DT_INT32) {
      for (int32_t number : value.Copy<int32_t>()) numbers.push_back(number);
    } else {
      return NotConstant(node);
    }
    return IntegerTensor(numbers, node.attr("DstT", DT_INVALID), value.dims, node);
  }
  if (op == "Range" && node.num_inputs() == 3) {
    int64_t bounds[3];  // Start, limit, delta.
    for (int slot = 0; slot < 3; ++slot) {
      ASSIGN_OR_RETURN(const Tensor bound, Value(scope, node.input(slot), depth + 1));
      ASSIGN_OR_RETURN(bounds[slot], IntegerOf(bound));
    }
    std::vector<int64_t> numbers;
    if (bounds[2] == 0) return NotConstant(node);
    for (int64_t number = bounds[0]; bounds[2] > 0 ? number < bounds[1] : number > bounds[1];) {
      if (static_cast<int64_t>(numbers.size()) >= kMostElements) return NotConstant(node);
      numbers.push_back(number);
      if (__builtin_add_overflow(number, bounds[2], &number)) break;
    }
    const std::vector<int64_t> dims = {static_cast<int64_t>(numbers.size())};
    return IntegerTensor(numbers, node.attr("Tidx", DT_INT32), dims, node);
  }
  return NotConstant(node);
}

// The value that a variable of the main graph is first given, if one op alone assigns to it.
Output TableFinder::AssignedTo(Node handle) {
  Output assigned;
  for (const Use& use : handle.uses()) {
    const Node user = model_.graph().node(use.user);
    if (use.slot != 0 || user.op() != "AssignVariableOp" || user.num_inputs() != 2) continue;
    if (assigned.node != kNoNode) return {};
    assigned = user.input(1);
  }
  return assigned;
}

absl::StatusOr<std::string> TableFinder::Path(const Scope& scope, Output output, int depth) {
  const Node node = scope.graph->node(output.node);
  if (depth > kDeepest) return NotConstant(node);
  if (node.is_argument()) {
    ASSIGN_OR_RETURN(const Output given, FromCaller(scope, output));
    return Path({&model_.graph(), Node(), {}}, given, depth + 1);
  }
  if (!scope.call) {
    if (const auto asset = assets_.find(std::string(node.name())); asset != assets_.end()) {
      if (!StaysInside(asset->second)) {
        return absl::InvalidArgumentError(
            absl::StrCat("the asset '", asset->second, "' is not in the model's folder"));
      }
      return absl::StrCat(folder_, "/", asset->second);
    }
  }
  if (node.op() == "Identity" && node.num_inputs() == 1) return Path(scope, node.input(0), depth + 1);
  if (node.op() == "ReadVariableOp" && node.num_inputs() == 1) {
    const Output assigned = AssignedTo(node.input_node(0));
    if (assigned.node != kNoNode) return Path(scope, assigned, depth + 1);
  }
  ASSIGN_OR_RETURN(const Tensor value, Value(scope, output, depth + 1));
  if (value.dtype != DT_STRING || value.strings.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat("the file's name in '", node.name(), "' is no text"));
  }
  return std::string(value.strings[0]);
}

}  // namespace cryograph
