#include "transforms/freeze_functions.h"

#include <algorithm>
#include <deque>
#include <memory>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "base/wire_field.h"
#include "graph/export.h"
#include "transforms/freeze_body.h"

namespace cryograph {
namespace {

// Functions that hand on each of many arguments or not could otherwise be told apart in 2^n ways.
constexpr size_t kMaxVersions = 10000;

enum FunctionField : uint32_t { kSignature = 1, kRet = 4, kAttr = 5, kArgAttr = 7, kResourceArgId = 8 };
enum OpDefField : uint32_t { kName = 1, kInputArg = 2, kOutputArg = 3 };
enum ArgDefField : uint32_t { kType = 3, kTypeAttr = 4, kNumberAttr = 5, kTypeListAttr = 6, kHandleData = 7 };

bool IsBytes(const WireField& field, uint32_t number) {
  return field.number == number && field.type == WireType::kBytes;
}

void AppendRaw(const WireField& field, std::string* out) { out->append(field.raw.data(), field.raw.size()); }

// An ArgDef that is a plain tensor of `dtype` now.
std::string Retyped(absl::string_view arg_def, DataType dtype) {
  std::string out;
  bool written = false;
  WireReader reader(arg_def);
  for (WireField field; reader.Next(&field);) {
    if (field.number >= kType && field.number <= kHandleData) continue;
    if (field.number > kHandleData && !written) {
      AppendVarintField(kType, static_cast<uint64_t>(dtype), &out);
      written = true;
    }
    AppendRaw(field, &out);
  }
  if (!written) AppendVarintField(kType, static_cast<uint64_t>(dtype), &out);
  return out;
}

// The name of the function in a serialized NameAttrList changed.
std::string RenamedRef(absl::string_view ref, absl::string_view name) {
  std::string out;
  AppendBytesField(1, name, &out);
  WireReader reader(ref);
  for (WireField field; reader.Next(&field);) {
    if (field.number != 1) AppendRaw(field, &out);
  }
  return out;
}

// The functions that a node names anywhere: by op or in an attribute.
void NamedFunctions(Node node, std::vector<absl::string_view>* names) {
  names->push_back(node.op());
  std::vector<std::pair<absl::string_view, AttrView>> attrs;
  node.GetAttrs(&attrs);
  std::vector<AttrView> values;
  for (const auto& attr : attrs) values.push_back(attr.second);
  while (!values.empty()) {
    const AttrView value = values.back();
    values.pop_back();
    const auto add = [&](const Callee& ref) {
      names->push_back(ref.name);
      for (const auto& nested : ref.attrs) values.push_back(nested.second);
    };
    if (value.kind() == AttrView::kFunc) add(ReadFunc(value));
    if (value.kind() == AttrView::kList) {
      for (const absl::string_view func : value.list_func()) add(ReadNameAttrList(func));
    }
  }
}

class FunctionFreezer {
 public:
  FunctionFreezer(Model& model, const std::vector<FrozenCall>& calls, const std::vector<char>& kept)
      : model_(model), calls_(calls), kept_(kept) {}

  absl::Status Run(int* dropped_updates) {
    RETURN_IF_ERROR(Settle());
    functions_ = std::make_unique<FunctionTable>(model_);
    RETURN_IF_ERROR(FindVersions());
    RETURN_IF_ERROR(FindPlain());
    ChooseNames();
    for (size_t i = 0; i < versions_.size(); ++i) RETURN_IF_ERROR(Build(versions_[i], dropped_updates));
    for (const FrozenCall& call : calls_) RETURN_IF_ERROR(Retype(call));
    Install();
    return absl::OkStatus();
  }

 private:
  // A function with certain arguments frozen.
  struct Version {
    int function;
    FrozenArguments arguments;
    std::string name;
    std::unique_ptr<Function> built;
  };
  using Key = std::pair<int, std::vector<std::pair<int, DataType>>>;

  // Bodies as the bytes have them, so that they can be read again: earlier passes may have edited them.
  absl::Status Settle() {
    for (Function& function : model_.functions()) {
      if (!function.edited()) continue;
      ASSIGN_OR_RETURN(std::string bytes, SerializeFunction(function));
      function = Function(Keep(std::move(bytes)), kept_bytes_.back());
    }
    return absl::OkStatus();
  }

  absl::string_view Keep(std::string bytes) {
    kept_bytes_.push_back(std::make_shared<const std::string>(std::move(bytes)));
    return *kept_bytes_.back();
  }

  // The arguments that the node's functions are handed: Case and If keep one input for themselves.
  static FrozenArguments ArgumentsOf(const FrozenCall& call) {
    const int first = call.kind == CallKind::kIf || call.kind == CallKind::kCase ? 1 : 0;
    FrozenArguments arguments;
    for (const auto& [slot, argument] : call.inputs) arguments[slot - first] = argument;
    return arguments;
  }

  absl::StatusOr<int> FindVersion(absl::string_view function, const FrozenArguments& arguments, Node caller) {
    const int number = functions_->Find(function);
    if (number < 0) {
      return absl::InvalidArgumentError(absl::StrCat("node '", caller.name(), "' (", caller.op(),
                                                     ") runs function '", function,
                                                     "', which the library does not have"));
    }
    Key key = {number, {}};
    for (const auto& [position, argument] : arguments) key.second.emplace_back(position, argument.dtype);
    const auto [place, fresh] = index_.emplace(key, static_cast<int>(versions_.size()));
    if (fresh) versions_.push_back({number, arguments, "", nullptr});
    if (versions_.size() > kMaxVersions) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "functions are handed variables in more than ", kMaxVersions, " ways; the limit was met at node '",
          caller.name(), "', which runs function '", function, "'"));
    }
    return place->second;
  }

  absl::Status AddCallees(const FrozenCall& call) {
    ASSIGN_OR_RETURN(const std::vector<Callee> callees, FunctionTable::Callees(call.node, call.kind));
    for (const Callee& callee : callees) {
      RETURN_IF_ERROR(FindVersion(callee.name, ArgumentsOf(call), call.node).status());
    }
    return absl::OkStatus();
  }

  absl::StatusOr<FrozenBody> Follow(const Version& version, const FunctionParts** parts) {
    ASSIGN_OR_RETURN(const FunctionTable::Entry* entry, functions_->Get(version.function));
    *parts = &entry->parts;
    return FrozenBody::Follow(*functions_, entry->parts, *entry->body, version.arguments);
  }

  absl::Status FindVersions() {
    for (const FrozenCall& call : calls_) RETURN_IF_ERROR(AddCallees(call));
    for (size_t i = 0; i < versions_.size(); ++i) {
      const FunctionParts* parts = nullptr;
      ASSIGN_OR_RETURN(const FrozenBody body, Follow(versions_[i], &parts));
      for (const FrozenCall& call : body.calls()) RETURN_IF_ERROR(AddCallees(call));
    }
    return absl::OkStatus();
  }

  // Functions that are named where nothing is frozen: they must stay as they are.
  absl::Status FindPlain() {
    plain_.assign(model_.functions().size(), 0);
    std::vector<int> work;
    std::vector<absl::string_view> names;
    const auto mark = [&](Node node) {
      names.clear();
      NamedFunctions(node, &names);
      for (absl::string_view name : names) {
        const int function = functions_->Find(name);
        if (function < 0 || plain_[static_cast<size_t>(function)] != 0) continue;
        plain_[static_cast<size_t>(function)] = 1;
        work.push_back(function);
      }
    };
    absl::flat_hash_set<NodeId> frozen;
    for (const FrozenCall& call : calls_) frozen.insert(call.node.id());
    for (Node node : model_.graph().nodes()) {
      const size_t id = static_cast<uint32_t>(node.id());
      if ((id >= kept_.size() || kept_[id] != 0) && !frozen.contains(node.id())) mark(node);
    }
    for (const Version& version : versions_) {
      const FunctionParts* parts = nullptr;
      ASSIGN_OR_RETURN(const FrozenBody body, Follow(version, &parts));
      absl::flat_hash_set<NodeId> inside;
      for (const FrozenCall& call : body.calls()) inside.insert(call.node.id());
      ASSIGN_OR_RETURN(const FunctionTable::Entry* entry, functions_->Get(version.function));
      for (Node node : entry->body->nodes()) {
        if (!inside.contains(node.id())) mark(node);
      }
    }
    while (!work.empty()) {
      const int function = work.back();
      work.pop_back();
      ASSIGN_OR_RETURN(const FunctionTable::Entry* entry, functions_->Get(function));
      for (Node node : entry->body->nodes()) mark(node);
    }
    return absl::OkStatus();
  }

  void ChooseNames() {
    absl::flat_hash_set<std::string> taken;
    for (const Function& function : model_.functions()) taken.emplace(function.name());
    std::vector<char> used = plain_;
    for (Version& version : versions_) {
      const std::string name(model_.functions()[static_cast<size_t>(version.function)].name());
      char& is_used = used[static_cast<size_t>(version.function)];
      version.name = name;
      if (is_used != 0) {
        version.name = absl::StrCat(name, "_frozen");
        for (int i = 1; taken.contains(version.name); ++i) version.name = absl::StrCat(name, "_frozen_", i);
        taken.insert(version.name);
      }
      is_used = 1;
    }
  }

  absl::StatusOr<std::string> NewName(const FrozenCall& call, absl::string_view callee) {
    ASSIGN_OR_RETURN(const int version, FindVersion(callee, ArgumentsOf(call), call.node));
    return versions_[static_cast<size_t>(version)].name;
  }

  absl::Status Build(Version& version, int* dropped_updates) {
    const FunctionParts* parts = nullptr;
    ASSIGN_OR_RETURN(const FrozenBody before, Follow(version, &parts));
    const Function& source = model_.functions()[static_cast<size_t>(version.function)];
    std::string bytes;
    WireReader reader(source.wire());
    for (WireField field; reader.Next(&field);) {
      switch (field.type == WireType::kBytes ? field.number : 0) {
        case kSignature:
          AppendBytesField(kSignature, Signature(field.bytes, version, *parts, before), &bytes);
          break;
        case kRet: {
          const auto [output, reference] = MapEntry(field.bytes);
          std::string entry;
          AppendBytesField(1, output, &entry);
          AppendBytesField(2, before.NewReference(reference), &entry);
          AppendBytesField(kRet, entry, &bytes);
          break;
        }
        case kAttr:
          AppendAttr(field, version, &bytes);
          break;
        case kArgAttr:
        case kResourceArgId:
          if (!version.arguments.count(ArgumentNumber(field.bytes))) AppendRaw(field, &bytes);
          break;
        default:
          AppendRaw(field, &bytes);
          break;
      }
    }
    const absl::string_view kept = Keep(std::move(bytes));
    version.built = std::make_unique<Function>(kept, kept_bytes_.back());
    ASSIGN_OR_RETURN(Graph * body, version.built->body());
    ASSIGN_OR_RETURN(FrozenBody frozen, FrozenBody::Follow(*functions_, *parts, *body, version.arguments));
    RETURN_IF_ERROR(frozen.Rewrite());
    *dropped_updates += frozen.num_updates();
    for (const FrozenCall& call : frozen.calls()) RETURN_IF_ERROR(Retype(call));
    return absl::OkStatus();
  }

  // Key of a map from numbers of arguments.
  static int ArgumentNumber(absl::string_view entry) {
    WireReader reader(entry);
    for (WireField field; reader.Next(&field);) {
      if (field.number == 1 && field.type == WireType::kVarint) return static_cast<int>(field.varint);
    }
    return 0;
  }

  static std::string Signature(absl::string_view op_def, const Version& version, const FunctionParts& parts,
                               const FrozenBody& body) {
    std::string out;
    int input = 0;
    size_t output = 0;
    WireReader reader(op_def);
    for (WireField field; reader.Next(&field);) {
      if (IsBytes(field, kName)) {
        AppendBytesField(kName, version.name, &out);
        continue;
      }
      if (IsBytes(field, kInputArg)) {
        const auto argument = version.arguments.find(input++);
        if (argument != version.arguments.end()) {
          AppendBytesField(kInputArg, Retyped(field.bytes, argument->second.dtype), &out);
          continue;
        }
      }
      if (IsBytes(field, kOutputArg) && output < parts.signature.outputs.size()) {
        const FrozenArgument* returned = body.Returned(parts.Return(parts.signature.outputs[output++].name));
        if (returned != nullptr) {
          AppendBytesField(kOutputArg, Retyped(field.bytes, returned->dtype), &out);
          continue;
        }
      }
      AppendRaw(field, &out);
    }
    return out;
  }

  // `_input_shapes` lists the shapes of the arguments; a variable's handle is a scalar, its value is not.
  static void AppendAttr(const WireField& field, const Version& version, std::string* bytes) {
    const auto [key, value] = MapEntry(field.bytes);
    std::vector<PartialShape> shapes;
    if (key == "_input_shapes") shapes = AttrView(value).list_shape();
    bool changed = false;
    for (const auto& [position, argument] : version.arguments) {
      if (static_cast<size_t>(position) >= shapes.size()) continue;
      shapes[static_cast<size_t>(position)] = argument.shape;
      changed = true;
    }
    if (!changed) return AppendRaw(field, bytes);
    std::string entry;
    AppendBytesField(1, key, &entry);
    AppendBytesField(2, AttrShapeList(shapes), &entry);
    AppendBytesField(kAttr, entry, bytes);
  }

  // The caller's own attributes.
  absl::Status Retype(const FrozenCall& call) {
    const Node node = call.node;
    Graph& graph = node.graph();
    const FrozenArguments arguments = ArgumentsOf(call);
    const absl::string_view list = call.kind == CallKind::kWhile ? "T" : "Tin";
    if (node.attr(list).kind() == AttrView::kList) {
      std::vector<DataType> types = node.attr(list).list_type();
      for (const auto& [position, argument] : arguments) {
        if (static_cast<size_t>(position) < types.size())
          types[static_cast<size_t>(position)] = argument.dtype;
      }
      graph.SetAttr(node, list, AttrTypeList(types));
    }
    if (call.kind == CallKind::kWhile && node.attr("output_shapes").kind() == AttrView::kList) {
      std::vector<PartialShape> shapes = node.attr("output_shapes").list_shape();
      for (const auto& [position, argument] : arguments) {
        if (static_cast<size_t>(position) < shapes.size())
          shapes[static_cast<size_t>(position)] = argument.shape;
      }
      if (!shapes.empty()) graph.SetAttr(node, "output_shapes", AttrShapeList(shapes));
    }
    graph.RemoveAttr(node, "_output_shapes");
    if (const AttrView inputs = node.attr("_read_only_resource_inputs"); inputs.kind() == AttrView::kList) {
      std::vector<int64_t> left;
      for (const int64_t slot : inputs.list_i()) {
        if (call.inputs.count(static_cast<int>(slot)) == 0) left.push_back(slot);
      }
      graph.SetAttr(node, "_read_only_resource_inputs", AttrIntList(left));
    }
    return RenameCallees(call);
  }

  absl::Status RenameCallees(const FrozenCall& call) {
    const Node node = call.node;
    Graph& graph = node.graph();
    if (call.kind == CallKind::kCase) {
      std::string branches;
      for (const absl::string_view func : node.attr("branches").list_func()) {
        ASSIGN_OR_RETURN(const std::string name, NewName(call, NameOfNameAttrList(func)));
        AppendBytesField(9, RenamedRef(func, name), &branches);  // AttrValue.ListValue.func
      }
      std::string value;
      AppendBytesField(1, branches, &value);  // AttrValue.list
      graph.SetAttr(node, "branches", std::move(value));
      return absl::OkStatus();
    }
    std::vector<absl::string_view> keys;
    if (call.kind == CallKind::kIf) keys = {"then_branch", "else_branch"};
    if (call.kind == CallKind::kWhile) keys = {"cond", "body"};
    if (call.kind == CallKind::kCall && functions_->Find(node.op()) < 0) keys = {"f"};
    if (keys.empty()) {  // The op is the function.
      ASSIGN_OR_RETURN(const std::string name, NewName(call, node.op()));
      if (name != node.op()) graph.SetOp(node, name);
      return absl::OkStatus();
    }
    for (absl::string_view key : keys) {
      const AttrView func = node.attr(key);
      ASSIGN_OR_RETURN(const std::string name, NewName(call, func.func_name()));
      if (name == func.func_name()) continue;
      // The AttrValue's one field is the NameAttrList.
      WireReader reader(func.bytes());
      std::string value;
      for (WireField field; reader.Next(&field);) {
        if (IsBytes(field, 10)) AppendBytesField(10, RenamedRef(field.bytes, name), &value);
      }
      graph.SetAttr(node, key, std::move(value));
    }
    return absl::OkStatus();
  }

  // Versions take their function's place, or stand behind it.
  void Install() {
    std::vector<Function> functions;
    std::vector<std::vector<Version*>> of(model_.functions().size());
    for (Version& version : versions_) of[static_cast<size_t>(version.function)].push_back(&version);
    for (size_t i = 0; i < model_.functions().size(); ++i) {
      const bool replaced = std::any_of(of[i].begin(), of[i].end(), [&](const Version* version) {
        return version->name == model_.functions()[i].name();
      });
      if (!replaced) functions.push_back(std::move(model_.functions()[i]));
      for (Version* version : of[i]) functions.push_back(std::move(*version->built));
    }
    functions_.reset();
    model_.functions() = std::move(functions);
  }

  Model& model_;
  const std::vector<FrozenCall>& calls_;
  const std::vector<char>& kept_;
  std::unique_ptr<FunctionTable> functions_;
  std::deque<Version> versions_;
  std::map<Key, int> index_;
  std::vector<char> plain_;  // By function.
  std::vector<std::shared_ptr<const std::string>> kept_bytes_;
};

}  // namespace

absl::Status FreezeFunctions(Model& model, const std::vector<FrozenCall>& calls,
                             const std::vector<char>& kept, int* dropped_updates) {
  return FunctionFreezer(model, calls, kept).Run(dropped_updates);
}

}  // namespace cryograph
