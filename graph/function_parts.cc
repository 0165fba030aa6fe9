#include "graph/function_parts.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "base/wire_field.h"

namespace cryograph {
namespace {

enum FunctionField : uint32_t { kRet = 4, kAttr = 5, kControlRet = 6 };
enum AttrValueField : uint32_t { kList = 1, kPlaceholder = 9, kFunc = 10 };
constexpr uint32_t kListFunc = 9;  // Of AttrValue.ListValue.

bool IsBytes(const WireField& field, uint32_t number) {
  return field.number == number && field.type == WireType::kBytes;
}

absl::Status BindValue(absl::string_view value, AttrLookup lookup, std::string* out);

// A NameAttrList: name 1, attr 2 (map of AttrValues). Importers bound the depth of messages, and so this
// recursion.
absl::Status BindFunc(absl::string_view func, AttrLookup lookup, std::string* out) {
  WireReader reader(func);
  for (WireField field; reader.Next(&field);) {
    if (!IsBytes(field, 2)) {
      out->append(field.raw.data(), field.raw.size());
      continue;
    }
    const auto [key, value] = MapEntry(field.bytes);
    std::string entry, bound;
    AppendBytesField(1, key, &entry);
    RETURN_IF_ERROR(BindValue(value, lookup, &bound));
    AppendBytesField(2, bound, &entry);
    AppendBytesField(2, entry, out);
  }
  return absl::OkStatus();
}

absl::Status BindValue(absl::string_view value, AttrLookup lookup, std::string* out) {
  WireReader reader(value);
  for (WireField field; reader.Next(&field);) {
    if (IsBytes(field, kPlaceholder)) {
      const AttrView bound = lookup(field.bytes);
      if (bound.kind() == AttrView::kNone) {
        return absl::InvalidArgumentError(
            absl::StrCat("has no value for the attribute '", field.bytes, "' that its body asks for"));
      }
      absl::StrAppend(out, bound.bytes());
    } else if (IsBytes(field, kFunc)) {
      std::string func;
      RETURN_IF_ERROR(BindFunc(field.bytes, lookup, &func));
      AppendBytesField(kFunc, func, out);
    } else if (IsBytes(field, kList)) {
      std::string list;
      WireReader elements(field.bytes);
      for (WireField element; elements.Next(&element);) {
        if (!IsBytes(element, kListFunc)) {
          list.append(element.raw.data(), element.raw.size());
          continue;
        }
        std::string func;
        RETURN_IF_ERROR(BindFunc(element.bytes, lookup, &func));
        AppendBytesField(kListFunc, func, &list);
      }
      AppendBytesField(kList, list, out);
    } else {
      out->append(field.raw.data(), field.raw.size());
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::string_view FunctionParts::Return(absl::string_view output) const {
  for (const auto& [name, reference] : returns) {
    if (name == output) return reference;
  }
  return absl::string_view();
}

bool FunctionParts::Flag(absl::string_view attr) const {
  for (const auto& [name, value] : attrs) {
    if (name == attr) return value.Get<bool>(false);
  }
  return false;
}

absl::StatusOr<FunctionParts> ReadFunctionParts(const Function& function) {
  FunctionParts parts;
  absl::StatusOr<OpSchema> signature = ParseOpDef(function.signature());
  if (!signature.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("function '", function.name(), "': ", signature.status().message()));
  }
  parts.signature = *std::move(signature);
  WireReader reader(function.wire());
  for (WireField field; reader.Next(&field);) {
    if (field.type != WireType::kBytes) continue;
    if (field.number == kRet) parts.returns.push_back(MapEntry(field.bytes));
    if (field.number == kControlRet) parts.control_returns.push_back(MapEntry(field.bytes).second);
    if (field.number == kAttr) {
      const auto [key, value] = MapEntry(field.bytes);
      parts.attrs.emplace_back(key, AttrView(value));
    }
  }
  return parts;
}

Callee ReadNameAttrList(absl::string_view bytes) {
  Callee ref;
  WireReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (IsBytes(field, 1)) ref.name = field.bytes;
    if (IsBytes(field, 2)) {
      const auto [key, value] = MapEntry(field.bytes);
      ref.attrs.emplace_back(key, AttrView(value));
    }
  }
  return ref;
}

Callee ReadFunc(AttrView func) {
  Callee ref;
  ref.name = func.func_name();
  ref.attrs = func.func_attrs();
  return ref;
}

bool HasPlaceholder(AttrView value) {
  std::vector<AttrView> values = {value};
  while (!values.empty()) {
    const AttrView next = values.back();
    values.pop_back();
    if (next.kind() == AttrView::kPlaceholder) return true;
    if (next.kind() == AttrView::kFunc) {
      for (const auto& attr : next.func_attrs()) values.push_back(attr.second);
    } else if (next.kind() == AttrView::kList) {
      for (const absl::string_view func : next.list_func()) {
        for (const auto& attr : ReadNameAttrList(func).attrs) values.push_back(attr.second);
      }
    }
  }
  return false;
}

absl::StatusOr<std::string> BindPlaceholders(AttrView value, AttrLookup lookup) {
  std::string bound;
  RETURN_IF_ERROR(BindValue(value.bytes(), lookup, &bound));
  return bound;
}

}  // namespace cryograph
