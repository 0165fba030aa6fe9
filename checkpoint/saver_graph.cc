#include "checkpoint/saver_graph.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/attr.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

constexpr absl::string_view kCpu = "/device:CPU:0";

using Variables = absl::Span<const SaverVariable>;

bool IsResource(const SaverVariable& variable) { return variable.variable.op() == "VarHandleOp"; }

// The first processor of the task of a device: files are read and written there.
std::string CpuOf(absl::string_view device) {
  for (const absl::string_view kind : {"/device:", "/gpu:", "/cpu:", "/GPU:", "/CPU:"}) {
    const size_t at = device.find(kind);
    if (at != absl::string_view::npos) device = device.substr(0, at);
  }
  return absl::StrCat(device, kCpu);
}

absl::Status Check(Variables variables, const SaverGraphOptions& options) {
  if (variables.empty()) return absl::InvalidArgumentError("No variables to save");
  if (options.version != 1 && options.version != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no checkpoint version ", options.version, "; it is 1 or 2"));
  }
  for (size_t i = 0; i < variables.size(); ++i) {
    const SaverVariable& variable = variables[i];
    const absl::string_view op = variable.variable.op();
    if (op != "VarHandleOp" && op != "VariableV2" && op != "Variable") {
      return absl::InvalidArgumentError(
          absl::StrCat("names_to_saveables must be a dict mapping string names to Tensors/Variables. Not a "
                       "variable: node '",
                       variable.variable.name(), "' (", op, ")"));
    }
    if (i == 0 || variables[i - 1].key != variable.key) continue;
    const bool sliced = !variable.slice_spec.empty();
    if (sliced != !variables[i - 1].slice_spec.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("Mixing slices and non-slices with the same name: ", variable.key));
    }
    if (!sliced || variables[i - 1].slice_spec == variable.slice_spec) {
      return absl::InvalidArgumentError(
          absl::StrCat("At least two variables have the same name: ", variable.key));
    }
  }
  return absl::OkStatus();
}

class SaverBuilder {
 public:
  SaverBuilder(Graph* graph, const SaverGraphOptions& options) : graph_(*graph), options_(options) {}

  absl::StatusOr<std::string> Build(Variables variables) {
    ChooseScope();
    RETURN_IF_ERROR(AddFilename());
    std::string save_tensor, restore_op;
    if (options_.sharded) {
      std::vector<std::vector<SaverVariable>> shards = ByDevice(variables);
      ASSIGN_OR_RETURN(save_tensor, SaveShards(shards));
      ASSIGN_OR_RETURN(restore_op, RestoreShards(shards));
    } else {
      ASSIGN_OR_RETURN(const Node save, AddSave(filename_, variables, ""));
      ASSIGN_OR_RETURN(const Node done, AddDependency(filename_, save, ""));
      save_tensor = absl::StrCat(done.name(), ":0");
      ASSIGN_OR_RETURN(const Node restore, AddRestore(variables, std::string(kCpu), "restore_all", ""));
      restore_op = std::string(restore.name());
    }
    return SaverDefBytes(save_tensor, restore_op);
  }

 private:
  void ChooseScope() {
    std::set<std::string> taken;
    for (const Node node : graph_.nodes()) {
      const absl::string_view name = node.name();
      if (absl::StartsWith(name, options_.scope)) taken.insert(std::string(name.substr(0, name.find('/'))));
    }
    scope_ = options_.scope;
    for (int i = 1; taken.count(scope_) > 0; ++i) scope_ = absl::StrCat(options_.scope, "_", i);
  }

  absl::StatusOr<Node> AddNode(absl::string_view name, absl::string_view op, std::vector<Output> inputs,
                               absl::string_view device) {
    ASSIGN_OR_RETURN(const Node node,
                     graph_.AddNode(graph_.UniqueName(absl::StrCat(scope_, "/", name)), op, inputs));
    if (!device.empty()) graph_.SetDevice(node, device);
    return node;
  }

  Node AddConst(absl::string_view name, Tensor value, absl::string_view device) {
    const Node node = graph_.AddConst(absl::StrCat(scope_, "/", name), std::move(value));
    if (!device.empty()) graph_.SetDevice(node, device);
    return node;
  }

  absl::StatusOr<Node> AddPlaceholder(absl::string_view name, Node value) {
    ASSIGN_OR_RETURN(const Node node, AddNode(name, "PlaceholderWithDefault", {value.out()}, ""));
    graph_.SetAttr(node, "dtype", AttrType(DT_STRING));
    graph_.SetAttr(node, "shape", AttrShape(PartialShape()));
    return node;
  }

  absl::Status AddFilename() {
    const Node text = AddConst("filename/input", Tensor::OfStrings({}, {options_.filename}), "");
    ASSIGN_OR_RETURN(const Node name, AddPlaceholder("filename", text));
    ASSIGN_OR_RETURN(filename_, AddPlaceholder("Const", name));
    return absl::OkStatus();
  }

  // The keys and slices of SaveV2, RestoreV2 and SaveSlices.
  std::pair<Node, Node> AddKeys(absl::string_view owner, absl::string_view slices_name, Variables variables,
                                absl::string_view device) {
    std::vector<std::string> keys, slices;
    for (const SaverVariable& variable : variables) {
      keys.push_back(variable.key);
      slices.push_back(variable.slice_spec);
    }
    const std::vector<int64_t> dims = {static_cast<int64_t>(keys.size())};
    const Node names = AddConst(absl::StrCat(owner, "/tensor_names"), Tensor::OfStrings(dims, keys), device);
    const Node specs =
        AddConst(absl::StrCat(owner, "/", slices_name), Tensor::OfStrings(dims, slices), device);
    return {names, specs};
  }

  // "SaveV2", or "SaveV2_1" for the next one.
  std::string FreeName(absl::string_view name) const {
    return graph_.UniqueName(absl::StrCat(scope_, "/", name)).substr(scope_.size() + 1);
  }

  absl::StatusOr<Output> ValueOf(const SaverVariable& variable) {
    if (variable.value.node != kNoNode) return variable.value;
    if (!IsResource(variable)) return variable.variable.out();
    const std::string name = absl::StrCat(variable.variable.name(), "/Read/ReadVariableOp");
    if (const Node reader = graph_.Find(name);
        reader && reader.op() == "ReadVariableOp" && reader.input(0) == variable.variable.out()) {
      return reader.out();
    }
    ASSIGN_OR_RETURN(const Node reader,
                     graph_.AddNode(graph_.UniqueName(name), "ReadVariableOp", {variable.variable.out()}));
    graph_.SetAttr(reader, "dtype", AttrType(variable.dtype));
    graph_.SetDevice(reader, variable.variable.device());
    return reader.out();
  }

  absl::StatusOr<Node> AddSave(Node filename, Variables variables, absl::string_view device) {
    std::vector<Output> values;
    std::vector<DataType> dtypes;
    for (const SaverVariable& variable : variables) {
      ASSIGN_OR_RETURN(const Output value, ValueOf(variable));
      values.push_back(value);
      dtypes.push_back(variable.dtype);
    }
    const bool v1 = options_.version == 1;
    const std::string name = FreeName(v1 ? "save" : "SaveV2");
    const auto [keys, slices] =
        AddKeys(name, v1 ? "shapes_and_slices" : "shape_and_slices", variables, device);
    std::vector<Output> inputs = {filename.out(), keys.out(), slices.out()};
    inputs.insert(inputs.end(), values.begin(), values.end());
    ASSIGN_OR_RETURN(const Node save, AddNode(name, v1 ? "SaveSlices" : "SaveV2", inputs, device));
    graph_.SetAttr(save, v1 ? "T" : "dtypes", AttrTypeList(dtypes));
    return save;
  }

  // The file name, once `save` has run.
  absl::StatusOr<Node> AddDependency(Node filename, Node save, absl::string_view device) {
    ASSIGN_OR_RETURN(const Node done, AddNode("control_dependency", "Identity", {filename.out()}, device));
    graph_.SetAttr(done, "T", AttrType(DT_STRING));
    graph_.SetAttr(done, "_class", AttrStringList({absl::StrCat("loc:@", filename.name())}));
    graph_.AddControlInput(done, save);
    return done;
  }

  absl::StatusOr<Node> AddAssign(const SaverVariable& variable, Output value) {
    const std::string device(variable.variable.device());
    if (IsResource(variable)) {
      ASSIGN_OR_RETURN(const Node identity, AddNode("Identity", "Identity", {value}, device));
      graph_.SetAttr(identity, "T", AttrType(variable.dtype));
      ASSIGN_OR_RETURN(const Node assign, AddNode("AssignVariableOp", "AssignVariableOp",
                                                  {variable.variable.out(), identity.out()}, device));
      graph_.SetAttr(assign, "dtype", AttrType(variable.dtype));
      return assign;
    }
    ASSIGN_OR_RETURN(const Node assign,
                     AddNode("Assign", "Assign", {variable.variable.out(), value}, device));
    graph_.SetAttr(assign, "T", AttrType(variable.dtype));
    graph_.SetAttr(assign, "_class", AttrStringList({absl::StrCat("loc:@", variable.variable.name())}));
    graph_.SetAttr(assign, "use_locking", AttrBool(true));
    graph_.SetAttr(assign, "validate_shape", AttrBool(true));
    return assign;
  }

  // Reads the variables and assigns them; the result waits for all of them.
  absl::StatusOr<Node> AddRestore(Variables variables, const std::string& cpu, absl::string_view all,
                                  absl::string_view device) {
    std::vector<DataType> dtypes;
    for (const SaverVariable& variable : variables) dtypes.push_back(variable.dtype);
    const std::string name = FreeName("RestoreV2");
    const auto [keys, slices] = AddKeys(name, "shape_and_slices", variables, cpu);
    ASSIGN_OR_RETURN(const Node restore,
                     AddNode(name, "RestoreV2", {filename_.out(), keys.out(), slices.out()}, cpu));
    graph_.SetAttr(restore, "dtypes", AttrTypeList(dtypes));
    std::vector<Node> assigns;
    for (size_t i = 0; i < variables.size(); ++i) {
      ASSIGN_OR_RETURN(const Node assign, AddAssign(variables[i], restore.out(static_cast<int>(i))));
      assigns.push_back(assign);
    }
    return AddNoOp(all, std::move(assigns), device);
  }

  absl::StatusOr<Node> AddNoOp(absl::string_view name, std::vector<Node> waits_for,
                               absl::string_view device) {
    ASSIGN_OR_RETURN(const Node node, AddNode(name, "NoOp", {}, device));
    AddControlInputs(node, std::move(waits_for));
    return node;
  }

  // In the order of names, as TensorFlow writes them.
  void AddControlInputs(Node node, std::vector<Node> from) {
    std::sort(from.begin(), from.end(), [](Node a, Node b) { return a.name() < b.name(); });
    for (const Node each : from) graph_.AddControlInput(node, each);
  }

  static std::vector<std::vector<SaverVariable>> ByDevice(Variables variables) {
    std::vector<std::vector<SaverVariable>> shards;
    std::set<std::string> devices;
    for (const SaverVariable& variable : variables) devices.insert(std::string(variable.variable.device()));
    for (const std::string& device : devices) {
      shards.emplace_back();
      for (const SaverVariable& variable : variables) {
        if (variable.variable.device() == device) shards.back().push_back(variable);
      }
    }
    return shards;
  }

  absl::StatusOr<std::string> SaveShards(const std::vector<std::vector<SaverVariable>>& shards) {
    const bool v1 = options_.version == 1;
    Node stem = filename_;
    if (!v1) {
      const Node folder = AddConst("StringJoin/inputs_1", Tensor::OfStrings({}, {"_temp/part"}), "");
      ASSIGN_OR_RETURN(stem, AddNode("StringJoin", "StringJoin", {filename_.out(), folder.out()}, ""));
      graph_.SetAttr(stem, "N", AttrInt(2));
      graph_.SetAttr(stem, "separator", AttrString(""));
    }
    const int32_t count = static_cast<int32_t>(shards.size());
    const Node num_shards = AddConst("num_shards", Tensor::Of<int32_t>(DT_INT32, {}, {count}), "");
    std::vector<Output> names;
    std::vector<Node> saved;
    for (int32_t i = 0; i < count; ++i) {
      const std::vector<SaverVariable>& variables = shards[static_cast<size_t>(i)];
      const std::string device(variables[0].variable.device());
      const std::string cpu = v1 ? device : CpuOf(device);
      const std::string name = FreeName("ShardedFilename");
      const Node shard = AddConst(absl::StrCat(name, "/shard"), Tensor::Of<int32_t>(DT_INT32, {}, {i}), cpu);
      ASSIGN_OR_RETURN(const Node file,
                       AddNode(name, "ShardedFilename", {stem.out(), shard.out(), num_shards.out()}, cpu));
      ASSIGN_OR_RETURN(const Node save, AddSave(file, variables, cpu));
      ASSIGN_OR_RETURN(const Node done, AddDependency(file, save, cpu));
      names.push_back(file.out());
      saved.push_back(done);
    }
    if (v1) {
      ASSIGN_OR_RETURN(const Node pattern, AddNode("ShardedFilespec", "ShardedFilespec",
                                                   {filename_.out(), num_shards.out()}, ""));
      AddControlInputs(pattern, saved);
      return absl::StrCat(pattern.name(), ":0");
    }
    const std::string cpu = CpuOf(shards.back()[0].variable.device());
    ASSIGN_OR_RETURN(const Node prefixes,
                     AddNode("MergeV2Checkpoints/checkpoint_prefixes", "Pack", names, cpu));
    graph_.SetAttr(prefixes, "N", AttrInt(count));
    graph_.SetAttr(prefixes, "T", AttrType(DT_STRING));
    graph_.SetAttr(prefixes, "axis", AttrInt(0));
    AddControlInputs(prefixes, saved);
    ASSIGN_OR_RETURN(const Node merge, AddNode("MergeV2Checkpoints", "MergeV2Checkpoints",
                                               {prefixes.out(), filename_.out()}, cpu));
    graph_.SetAttr(merge, "delete_old_dirs", AttrBool(true));
    ASSIGN_OR_RETURN(const Node done, AddNode("Identity", "Identity", {filename_.out()}, cpu));
    graph_.SetAttr(done, "T", AttrType(DT_STRING));
    saved.push_back(merge);
    AddControlInputs(done, std::move(saved));
    return absl::StrCat(done.name(), ":0");
  }

  absl::StatusOr<std::string> RestoreShards(const std::vector<std::vector<SaverVariable>>& shards) {
    std::vector<Node> restored;
    for (const std::vector<SaverVariable>& variables : shards) {
      const std::string device(variables[0].variable.device());
      ASSIGN_OR_RETURN(const Node shard, AddRestore(variables, CpuOf(device), "restore_shard", device));
      restored.push_back(shard);
    }
    // Of several devices each has a node that waits for its own.
    if (restored.size() > 1) {
      for (Node& shard : restored) {
        const std::string device(shard.device());
        ASSIGN_OR_RETURN(shard, AddNoOp("restore_all/NoOp", {shard}, device));
      }
    }
    ASSIGN_OR_RETURN(const Node all, AddNoOp("restore_all", std::move(restored), ""));
    return std::string(all.name());
  }

  std::string SaverDefBytes(absl::string_view save_tensor, absl::string_view restore_op) const {
    std::string bytes;
    AppendBytesField(1, absl::StrCat(filename_.name(), ":0"), &bytes);
    AppendBytesField(2, save_tensor, &bytes);
    AppendBytesField(3, restore_op, &bytes);
    if (options_.max_to_keep != 0) {
      AppendVarintField(4, static_cast<uint64_t>(int64_t{options_.max_to_keep}), &bytes);
    }
    if (options_.sharded) AppendVarintField(5, 1, &bytes);
    uint32_t hours;
    std::memcpy(&hours, &options_.keep_checkpoint_every_n_hours, sizeof(hours));
    if (hours != 0) AppendFixed32Field(6, hours, &bytes);
    AppendVarintField(7, static_cast<uint64_t>(options_.version), &bytes);
    return bytes;
  }

  Graph& graph_;
  const SaverGraphOptions& options_;
  std::string scope_;
  Node filename_;
};

}  // namespace

absl::StatusOr<std::string> AddSaver(Graph& graph, std::vector<SaverVariable> variables,
                                     const SaverGraphOptions& options) {
  std::stable_sort(variables.begin(), variables.end(),
                   [](const SaverVariable& a, const SaverVariable& b) { return a.key < b.key; });
  RETURN_IF_ERROR(Check(variables, options));
  return SaverBuilder(&graph, options).Build(variables);
}

}  // namespace cryograph
