#include "graph/model.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/node_import.h"

namespace cryograph {
namespace {

// Field numbers of FunctionDef and of the OpDef that is its signature.
enum FunctionField : uint32_t { kSignature = 1, kOldNode = 2, kNodeDef = 3, kRet = 4, kControlRet = 6 };
enum SignatureField : uint32_t { kOpName = 1, kInputArg = 2 };

absl::string_view FirstBytes(absl::string_view message, uint32_t number) {
  absl::string_view result;
  WireReader reader(message);
  for (WireField field; reader.Next(&field);) {
    if (field.number == number && field.type == WireType::kBytes) result = field.bytes;
  }
  return result;
}

// Adds to `names` what an AttrValue says of functions: func, list(func), and those inside their attributes.
void CollectFunctionNames(absl::string_view attr_value, std::vector<absl::string_view>* names) {
  std::vector<absl::string_view> values = {attr_value};
  while (!values.empty()) {
    const AttrView attr(values.back());
    values.pop_back();
    std::vector<absl::string_view> funcs;
    if (attr.kind() == AttrView::kFunc) {
      names->push_back(attr.func_name());
      for (const auto& nested : attr.func_attrs()) values.push_back(nested.second.bytes());
    } else if (attr.kind() == AttrView::kList) {
      for (const absl::string_view func : attr.list_func()) {
        names->push_back(NameOfNameAttrList(func));
        std::string as_attr;
        AppendBytesField(10, func, &as_attr);
        for (const auto& nested : AttrView(as_attr).func_attrs()) {
          // Views into as_attr die with it: look at the same bytes in `func`.
          const size_t offset = static_cast<size_t>(nested.second.bytes().data() - as_attr.data()) -
                                (as_attr.size() - func.size());
          values.push_back(func.substr(offset, nested.second.bytes().size()));
        }
      }
    } else if (attr.kind() == AttrView::kString) {
      names->push_back(attr.s());  // Old gradient attributes name functions in strings.
    }
  }
}

// The same for one serialized NodeDef; also its op, which may be a function.
void CollectFromNode(absl::string_view node_def, std::vector<absl::string_view>* names) {
  WireReader reader(node_def);
  for (WireField field; reader.Next(&field);) {
    if (field.number == 2) names->push_back(field.bytes);
    if (field.number == 5) CollectFunctionNames(FirstBytes(field.bytes, 2), names);
  }
}

}  // namespace

Function::Function(absl::string_view wire, std::shared_ptr<const void> owner)
    : wire_(wire), owner_(std::move(owner)) {
  signature_ = FirstBytes(wire_, kSignature);
  name_ = FirstBytes(signature_, kOpName);
}

Function Function::Clone() const {
  Function clone(wire_, owner_);
  if (body_ != nullptr) clone.body_ = std::make_unique<Graph>(body_->Clone());
  clone.edits_at_import_ = edits_at_import_;
  return clone;
}

absl::StatusOr<Graph*> Function::body() {
  if (body_ != nullptr) return body_.get();
  auto body = std::make_unique<Graph>();
  NodeImporter importer(body.get());
  std::vector<absl::string_view> nodes, returned;
  WireReader signature(signature_);
  for (WireField field; signature.Next(&field);) {
    if (field.number == kInputArg) importer.AddArgument(FirstBytes(field.bytes, 1));
  }
  importer.SetFunction();
  WireReader reader(wire_);
  for (WireField field; reader.Next(&field);) {
    if (field.number == kNodeDef) nodes.push_back(field.bytes);
    if (field.number == kRet || field.number == kControlRet) returned.push_back(FirstBytes(field.bytes, 2));
    if (field.number == kOldNode && !field.bytes.empty()) {
      return absl::UnimplementedError(absl::StrCat("function '", name_,
                                                   "': its body has the form of graphs before "
                                                   "producer 21, which TensorFlow no longer reads either"));
    }
  }
  importer.AddNodes(nodes);
  // What is returned is a promise to the callers.
  for (const absl::string_view reference : returned) {
    if (const Node node = body->Find(reference.substr(0, reference.find(':')))) body->Pin(node);
  }
  body->KeepAlive(owner_);
  edits_at_import_ = body->edits();
  body_ = std::move(body);
  return body_.get();
}

Model Model::Clone() const {
  Model clone;
  clone.graph_ = graph_.Clone();
  for (const Function& function : functions_) clone.functions_.push_back(function.Clone());
  clone.graph_fields = graph_fields;
  clone.library_fields = library_fields;
  clone.meta_fields = meta_fields;
  clone.path = path;
  clone.variables_prefix = variables_prefix;
  clone.was_text = was_text;
  clone.versions_ = versions_;
  clone.versions_wire_ = versions_wire_;
  if (versions_bytes_ != nullptr) {
    clone.versions_bytes_ = std::make_unique<std::string>(*versions_bytes_);
    clone.versions_wire_ = *clone.versions_bytes_;
  }
  clone.owners_ = owners_;
  return clone;
}

const Function* Model::FindFunction(absl::string_view name) const {
  for (const Function& function : functions_) {
    if (function.name() == name) return &function;
  }
  return nullptr;
}

int Model::PruneFunctions() {
  if (functions_.empty()) return 0;
  absl::flat_hash_map<absl::string_view, std::vector<size_t>> by_name;
  for (size_t i = 0; i < functions_.size(); ++i) by_name[functions_[i].name()].push_back(i);
  // Gradients: a function that lives keeps the one that computes its gradient.
  absl::flat_hash_map<absl::string_view, absl::string_view> gradient_of;
  for (const RawField& field : library_fields) {
    if (field.number == 2) gradient_of[FirstBytes(field.payload, 1)] = FirstBytes(field.payload, 2);
  }

  std::vector<absl::string_view> names;
  for (const Node node : graph_.nodes()) {
    names.push_back(node.op());
    for (const absl::string_view key : node.attr_keys()) {
      const AttrView attr = node.attr(key);
      if (attr.tensor_source() == nullptr) CollectFunctionNames(attr.bytes(), &names);
    }
  }
  std::vector<bool> live(functions_.size(), false);
  while (!names.empty()) {
    const absl::string_view name = names.back();
    names.pop_back();
    const auto found = by_name.find(name);
    if (found == by_name.end()) continue;
    for (const size_t i : found->second) {
      if (live[i]) continue;
      live[i] = true;
      if (const auto gradient = gradient_of.find(name); gradient != gradient_of.end()) {
        names.push_back(gradient->second);
      }
      WireReader reader(functions_[i].wire());
      for (WireField field; reader.Next(&field);) {
        if (field.number == kNodeDef) CollectFromNode(field.bytes, &names);
        if (field.number == 5) CollectFunctionNames(FirstBytes(field.bytes, 2), &names);
      }
    }
  }

  std::vector<Function> kept;
  for (size_t i = 0; i < functions_.size(); ++i) {
    if (live[i]) kept.push_back(std::move(functions_[i]));
  }
  const int removed = static_cast<int>(functions_.size() - kept.size());
  functions_ = std::move(kept);
  if (removed == 0) return 0;
  // Gradients of functions that are gone go, too.
  absl::flat_hash_set<absl::string_view> left;
  for (const Function& function : functions_) left.insert(function.name());
  std::vector<RawField> fields;
  for (const RawField& field : library_fields) {
    if (field.number == 2 && !left.contains(FirstBytes(field.payload, 1))) continue;
    if (field.number == 3 && !left.contains(FirstBytes(field.payload, 1))) continue;
    fields.push_back(field);
  }
  library_fields = std::move(fields);
  return removed;
}

absl::string_view Model::MetaField(uint32_t number) const {
  for (const RawField& field : meta_fields) {
    if (field.number == number) return field.payload;
  }
  return absl::string_view();
}

absl::string_view Model::Collection(absl::string_view name) const {
  constexpr uint32_t kCollectionDef = 4;
  for (const RawField& field : meta_fields) {
    if (field.number == kCollectionDef && FirstBytes(field.payload, 1) == name)
      return FirstBytes(field.payload, 2);
  }
  return absl::string_view();
}

void Model::set_versions(Versions versions) {
  versions_bytes_ = std::make_unique<std::string>();
  std::string& bytes = *versions_bytes_;
  const auto number = [](int32_t value) { return static_cast<uint64_t>(static_cast<int64_t>(value)); };
  if (versions.producer != 0) AppendVarintField(1, number(versions.producer), &bytes);
  if (versions.min_consumer != 0) AppendVarintField(2, number(versions.min_consumer), &bytes);
  if (!versions.bad_consumers.empty()) {
    std::string packed;
    for (const int32_t bad : versions.bad_consumers) AppendVarint(number(bad), &packed);
    AppendBytesField(3, packed, &bytes);
  }
  versions_ = std::move(versions);
  versions_wire_ = bytes;
}

}  // namespace cryograph
