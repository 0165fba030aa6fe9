#include "graph/op_schema.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/op_schema_text.h"

namespace cryograph {

bool ParseRelease(absl::string_view text, Release* release) {
  if (text == "1.15") {
    *release = Release::k1_15;
  } else if (text == "2.21") {
    *release = Release::k2_21;
  } else {
    return false;
  }
  return true;
}

int GraphVersion(Release release) { return release == Release::k1_15 ? 134 : 2474; }

const AttrSchema* OpSchema::FindAttr(absl::string_view attr) const {
  for (const AttrSchema& candidate : attrs) {
    if (candidate.name == attr) return &candidate;
  }
  return nullptr;
}

const ArgSchema* OpSchema::FindOutput(absl::string_view arg) const {
  for (const ArgSchema& candidate : outputs) {
    if (candidate.name == arg) return &candidate;
  }
  return nullptr;
}

namespace {

// The definitions of one op: views into the table, parsed when the op was first looked up.
struct Entry {
  std::vector<OpSchema> definitions;  // Newest first.
  const OpSchema* in_release[2] = {nullptr, nullptr};
};

absl::string_view NameOfLine(absl::string_view line) { return line.substr(0, line.find('\t')); }

// The line that `position` is in begins here.
size_t LineStart(absl::string_view text, size_t position) {
  const size_t before = position == 0 ? absl::string_view::npos : text.rfind('\n', position - 1);
  return before == absl::string_view::npos ? 0 : before + 1;
}

// Where the first line that is not below `op` begins: binary search over the lines of the table.
size_t LowerBound(absl::string_view text, absl::string_view op) {
  size_t low = 0, high = text.size();
  while (low < high) {
    const size_t start = LineStart(text, low + (high - low) / 2);
    const absl::string_view line = text.substr(start, text.find('\n', start) - start);
    if (NameOfLine(line) < op) {
      low = start + line.size() + 1;
    } else {
      high = start;
    }
  }
  return low;
}

Entry* FindEntry(absl::string_view op) {
  static std::mutex* const mutex = new std::mutex;
  static auto* const entries = new absl::flat_hash_map<absl::string_view, std::unique_ptr<Entry>>;
  const absl::string_view text = OpSchemaText();
  std::lock_guard<std::mutex> lock(*mutex);
  if (auto found = entries->find(op); found != entries->end()) return found->second.get();
  size_t start = LowerBound(text, op);
  std::unique_ptr<Entry> entry;
  absl::string_view name;
  while (start < text.size()) {
    const absl::string_view line = text.substr(start, text.find('\n', start) - start);
    if (NameOfLine(line) != op) break;
    if (entry == nullptr) entry = std::make_unique<Entry>();
    name = NameOfLine(line);
    OpSchema schema = ParseOpSchemaLine(line);
    entry->definitions.push_back(std::move(schema));
    start += line.size() + 1;
  }
  if (entry == nullptr) return nullptr;  // Not remembered: names come from outside and may be many.
  for (const OpSchema& schema : entry->definitions) {
    if (schema.in_1_15) entry->in_release[static_cast<int>(Release::k1_15)] = &schema;
    if (schema.in_2_21) entry->in_release[static_cast<int>(Release::k2_21)] = &schema;
  }
  return entries->emplace(name, std::move(entry)).first->second.get();
}

}  // namespace

const OpSchema* FindOp(absl::string_view op) {
  const Entry* entry = FindEntry(op);
  return entry == nullptr ? nullptr : &entry->definitions.front();
}

const OpSchema* FindOp(absl::string_view op, Release release) {
  const Entry* entry = FindEntry(op);
  return entry == nullptr ? nullptr : entry->in_release[static_cast<int>(release)];
}

std::vector<absl::string_view> AllOps() {
  std::vector<absl::string_view> names;
  for (absl::string_view line : absl::StrSplit(OpSchemaText(), '\n', absl::SkipEmpty())) {
    const absl::string_view name = NameOfLine(line);
    if (names.empty() || names.back() != name) names.push_back(name);
  }
  return names;
}

AttrView AttrOrDefault(const OpSchema& schema, Node node, absl::string_view key) {
  const AttrView own = node.attr(key);
  if (own.kind() != AttrView::kNone) return own;
  const AttrSchema* attr = schema.FindAttr(key);
  return attr == nullptr ? AttrView() : attr->default_view();
}

DataType TypeRuns::at(int64_t index) const {
  for (const Run& run : runs_) {
    if (index < run.count) return index < 0 ? DT_INVALID : run.type;
    index -= run.count;
  }
  return DT_INVALID;
}

void TypeRuns::Add(DataType type, int64_t count) {
  if (count <= 0) return;
  // A sum beyond what 64 bits hold is no real op; the size then stays at the end of the scale.
  const int64_t room = std::numeric_limits<int64_t>::max() - size_;
  count = std::min(count, room);
  size_ += count;
  if (!runs_.empty() && runs_.back().type == type) {
    runs_.back().count += count;
  } else {
    runs_.push_back({type, count});
  }
}

void TypeRuns::Clear() {
  runs_.clear();
  size_ = 0;
}

namespace {

absl::Status NeedsAttr(absl::string_view key, absl::string_view kind, const AttrView& found) {
  if (found.kind() == AttrView::kNone || found.kind() == AttrView::kEmpty) {
    return absl::InvalidArgumentError(
        absl::StrCat("lacks attribute '", key, "' (", kind,
                     "), which says how many inputs or outputs of which types it has"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("has attribute '", key, "' of another kind than its op declares (", kind, ")"));
}

AttrView OrDefault(const OpSchema& schema, AttrLookup attrs, absl::string_view key) {
  const AttrView own = attrs(key);
  if (own.kind() != AttrView::kNone) return own;
  const AttrSchema* attr = schema.FindAttr(key);
  return attr == nullptr ? AttrView() : attr->default_view();
}

// Number of tensors of `arg`, and for a list argument its types.
absl::Status SizeOf(const OpSchema& schema, const ArgSchema& arg, AttrLookup attrs, int64_t* count,
                    std::vector<DataType>* types) {
  *count = 1;
  if (!arg.type_list_attr.empty()) {
    const AttrView list = OrDefault(schema, attrs, arg.type_list_attr);
    if (list.kind() == AttrView::kEmpty) {  // Old graphs leave an empty list out.
      *count = 0;
      return absl::OkStatus();
    }
    if (list.kind() != AttrView::kList) return NeedsAttr(arg.type_list_attr, "list(type)", list);
    *types = list.list_type();
    *count = static_cast<int64_t>(types->size());
  } else if (!arg.number_attr.empty()) {
    const AttrView number = OrDefault(schema, attrs, arg.number_attr);
    if (number.kind() != AttrView::kInt) return NeedsAttr(arg.number_attr, "int", number);
    if (number.i() < 0) {
      return absl::InvalidArgumentError(absl::StrCat("has attribute '", arg.number_attr, "' = ", number.i(),
                                                     ", but a number of tensors is not negative"));
    }
    *count = number.i();
  }
  return absl::OkStatus();
}

absl::Status WithNode(const absl::Status& status, Node node) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat("node '", node.name(), "' (", node.op(), ") ", status.message()));
}

constexpr int64_t kLongestList = int64_t{1} << 20;

absl::StatusOr<std::vector<DataType>> Flatten(const TypeRuns& runs, Node node) {
  if (runs.size() > kLongestList) {
    return absl::ResourceExhaustedError(absl::StrCat("node '", node.name(), "' (", node.op(), ") claims ",
                                                     runs.size(), " inputs or outputs; at most ",
                                                     kLongestList, " are listed"));
  }
  std::vector<DataType> types;
  types.reserve(static_cast<size_t>(runs.size()));
  for (const TypeRuns::Run& run : runs.runs())
    types.insert(types.end(), static_cast<size_t>(run.count), run.type);
  return types;
}

}  // namespace

absl::Status ArgTypes(const OpSchema& schema, absl::Span<const ArgSchema> args, AttrLookup attrs,
                      TypeRuns* runs) {
  runs->Clear();
  for (const ArgSchema& arg : args) {
    int64_t count = 1;
    std::vector<DataType> types;
    RETURN_IF_ERROR(SizeOf(schema, arg, attrs, &count, &types));
    if (!arg.type_list_attr.empty()) {
      for (DataType type : types) runs->Add(arg.is_ref ? RefType(type) : type, 1);
      continue;
    }
    DataType type = arg.type;
    if (!arg.type_attr.empty()) {
      const AttrView view = OrDefault(schema, attrs, arg.type_attr);
      if (view.kind() != AttrView::kType) return NeedsAttr(arg.type_attr, "type", view);
      type = view.type();
    }
    runs->Add(arg.is_ref ? RefType(type) : type, count);
  }
  return absl::OkStatus();
}

absl::Status ArgTypes(const OpSchema& schema, absl::Span<const ArgSchema> args, Node node, TypeRuns* runs) {
  return WithNode(ArgTypes(
                      schema, args, [node](absl::string_view key) { return node.attr(key); }, runs),
                  node);
}

absl::StatusOr<std::vector<DataType>> InputTypes(const OpSchema& schema, Node node) {
  TypeRuns runs;
  RETURN_IF_ERROR(ArgTypes(schema, schema.inputs, node, &runs));
  return Flatten(runs, node);
}

absl::StatusOr<std::vector<DataType>> OutputTypes(const OpSchema& schema, Node node) {
  TypeRuns runs;
  RETURN_IF_ERROR(ArgTypes(schema, schema.outputs, node, &runs));
  return Flatten(runs, node);
}

absl::StatusOr<int64_t> FlatOutputIndex(const OpSchema& schema, AttrLookup attrs, absl::string_view port) {
  const std::vector<absl::string_view> parts = absl::StrSplit(port, ':');
  // ":arg" or ":arg:index": the text before the first colon is the node's name, cut off already.
  if (parts.size() < 2 || parts.size() > 3 || !parts[0].empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("has no output '", port, "': a function body writes node:output_arg:index"));
  }
  int64_t index = 0;
  if (parts.size() == 3 && (!absl::SimpleAtoi(parts[2], &index) || index < 0)) {
    return absl::InvalidArgumentError(absl::StrCat("has no output '", port, "': the index is no number"));
  }
  int64_t before = 0;
  for (const ArgSchema& arg : schema.outputs) {
    int64_t count = 1;
    std::vector<DataType> types;
    RETURN_IF_ERROR(SizeOf(schema, arg, attrs, &count, &types));
    if (arg.name == parts[1]) {
      if (index < count) return before + index;
      return absl::InvalidArgumentError(absl::StrCat("has no output '", port, "': output argument '",
                                                     arg.name, "' is of ", count, " tensors"));
    }
    if (before > std::numeric_limits<int64_t>::max() - count) break;
    before += count;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("has no output '", port, "': its op has no output argument '", parts[1], "'"));
}

absl::StatusOr<int64_t> FlatOutputIndex(const OpSchema& schema, Node node, absl::string_view port) {
  absl::StatusOr<int64_t> index = FlatOutputIndex(
      schema, [node](absl::string_view key) { return node.attr(key); }, port);
  if (!index.ok()) return WithNode(index.status(), node);
  return index;
}

namespace {

absl::Status UnknownOp(Node node) {
  return absl::InvalidArgumentError(absl::StrCat("node '", node.name(), "': nothing is known of op '",
                                                 node.op(), "', so its types are not known"));
}

}  // namespace

OpRegistry::OpRegistry(const Model& model) {
  const auto add = [this](absl::string_view op_def, bool is_function, auto& map) {
    absl::StatusOr<OpSchema> schema = ParseOpDef(op_def);
    if (!schema.ok() || map.contains(schema->name)) return;
    schema->is_function = is_function;
    schemas_.push_back(*std::move(schema));
    map.emplace(schemas_.back().name, &schemas_.back());
  };
  for (const Function& function : model.functions()) add(function.signature(), true, own_);
  // MetaInfoDef.stripped_op_list (2) is an OpList: op (1), repeated.
  WireReader meta_info(model.MetaField(1));
  WireField field, op;
  while (meta_info.Next(&field)) {
    if (field.number != 2 || field.type != WireType::kBytes) continue;
    WireReader list(field.bytes);
    while (list.Next(&op)) {
      if (op.number == 1 && op.type == WireType::kBytes) add(op.bytes, false, from_meta_);
    }
  }
}

const OpSchema* OpRegistry::FindOwn(absl::string_view op) const {
  const auto found = own_.find(op);
  return found == own_.end() ? nullptr : found->second;
}

const OpSchema* OpRegistry::Find(absl::string_view op) const {
  if (const OpSchema* own = FindOwn(op)) return own;
  if (const OpSchema* known = FindOp(op)) return known;
  const auto found = from_meta_.find(op);
  return found == from_meta_.end() ? nullptr : found->second;
}

const OpSchema* OpRegistry::Find(absl::string_view op, Release release) const {
  if (const OpSchema* own = FindOwn(op)) return own;
  if (const OpSchema* known = FindOp(op, release)) return known;
  return Find(op);
}

absl::StatusOr<std::vector<DataType>> OpRegistry::InputTypes(Node node) const {
  const OpSchema* schema = Find(node.op());
  if (schema == nullptr) return UnknownOp(node);
  return cryograph::InputTypes(*schema, node);
}

absl::StatusOr<std::vector<DataType>> OpRegistry::OutputTypes(Node node) const {
  const OpSchema* schema = Find(node.op());
  if (schema == nullptr) return UnknownOp(node);
  return cryograph::OutputTypes(*schema, node);
}

absl::StatusOr<DataType> OpRegistry::OutputType(Graph& graph, Output output) const {
  const Node node = graph.node(output.node);
  const OpSchema* schema = Find(node.op());
  if (schema == nullptr) return UnknownOp(node);
  TypeRuns runs;
  RETURN_IF_ERROR(ArgTypes(*schema, schema->outputs, node, &runs));
  int64_t index = output.index;
  if (graph.is_function()) {
    ASSIGN_OR_RETURN(index, FlatOutputIndex(*schema, node, graph.PortText(output.index)));
  }
  if (index < 0 || index >= runs.size()) {
    return absl::InvalidArgumentError(absl::StrCat("node '", node.name(), "' (", node.op(), ") has ",
                                                   runs.size(), " outputs, so there is no output ", index));
  }
  return runs.at(index);
}

bool OpRegistry::IsStateful(absl::string_view op) const {
  const OpSchema* schema = Find(op);
  return schema == nullptr || schema->is_stateful;
}

}  // namespace cryograph
