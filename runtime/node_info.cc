#include "runtime/node_info.h"

#include <algorithm>
#include <limits>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"

namespace cryograph {
namespace {

FunctionRef ToFunctionRef(AttrView view) {
  FunctionRef function;
  function.name = std::string(view.func_name());
  for (const auto& [key, value] : view.func_attrs()) {
    function.attrs.emplace_back(std::string(key), std::string(value.bytes()));
  }
  std::sort(function.attrs.begin(), function.attrs.end());
  return function;
}

// A NameAttrList as the AttrValue that holds it, so that AttrView can read it.
std::string FuncAttrValue(absl::string_view name_attr_list) {
  std::string bytes;
  AppendBytesField(10, name_attr_list, &bytes);  // AttrValue.func
  return bytes;
}

template <typename To, typename From>
absl::Status Narrow(absl::string_view key, From value, To* to) {
  if (value < std::numeric_limits<To>::min() || value > std::numeric_limits<To>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat("attribute '", key, "' is ", value, ", which is out of range"));
  }
  *to = static_cast<To>(value);
  return absl::OkStatus();
}

bool IsAllowed(const AttrSchema& schema, AttrView value) {
  const auto type_allowed = [&](DataType type) {
    return schema.allowed_types.empty() || absl::c_linear_search(schema.allowed_types, BaseType(type));
  };
  const auto string_allowed = [&](absl::string_view text) {
    return schema.allowed_strings.empty() || absl::c_linear_search(schema.allowed_strings, text);
  };
  switch (value.kind()) {
    case AttrView::kType:
      return type_allowed(value.type());
    case AttrView::kString:
      return string_allowed(value.s());
    case AttrView::kInt:
      return !schema.has_minimum || value.i() >= schema.minimum;
    case AttrView::kList:
      return absl::c_all_of(value.list_type(), type_allowed) &&
             absl::c_all_of(value.list_s(), string_allowed) &&
             (!schema.has_minimum || value.list_size() >= schema.minimum);
    default:
      return true;
  }
}

std::string ValueTextOf(AttrView value) {
  switch (value.kind()) {
    case AttrView::kType:
      return DataTypeName(value.type());
    case AttrView::kString:
      return absl::StrCat("'", absl::CHexEscape(value.s()), "'");
    case AttrView::kInt:
      return absl::StrCat(value.i());
    case AttrView::kList:
      return absl::StrCat("a list of ", value.list_size());
    default:
      return "a value";
  }
}

}  // namespace

FunctionRef NodeInfo::AsFunction() const {
  FunctionRef function;
  function.name = std::string(op_);
  for (const auto& [key, value] : attrs_)
    function.attrs.emplace_back(std::string(key), std::string(value.bytes()));
  return function;
}

absl::Status NodeInfo::CheckAttrs() const {
  const OpSchema* const old = schema_->in_1_15 ? nullptr : FindOp(op_, Release::k1_15);
  for (const AttrSchema& each : schema_->attrs) {
    const AttrView value = attr(each.name);
    if (value.kind() == AttrView::kNone) {
      return absl::InvalidArgumentError(absl::StrCat("attribute '", each.name, "' is missing"));
    }
    if (value.kind() == AttrView::kPlaceholder) {
      return absl::InvalidArgumentError(absl::StrCat("attribute '", each.name, "' stands for '", value.s(),
                                                     "', which the caller does not give"));
    }
    if (IsAllowed(each, value)) continue;
    const AttrSchema* const before = old == nullptr ? nullptr : old->FindAttr(each.name);
    if (before != nullptr && IsAllowed(*before, value)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("attribute '", each.name, "' cannot be ", ValueTextOf(value)));
  }
  return absl::OkStatus();
}

absl::Status NodeInfo::FindTypes() {
  const auto find = [this](const std::vector<ArgSchema>& args, std::vector<DataType>* types) -> absl::Status {
    constexpr int64_t kMaxTensors = 1 << 20;
    TypeRuns runs;
    RETURN_IF_ERROR(ArgTypes(
        *schema_, args, [this](absl::string_view key) { return attr(key); }, &runs));
    if (runs.size() > kMaxTensors) return absl::ResourceExhaustedError("it has more than a million tensors");
    for (const TypeRuns::Run& run : runs.runs()) types->insert(types->end(), run.count, run.type);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(find(schema_->inputs, &input_types_));
  return find(schema_->outputs, &output_types_);
}

AttrView NodeInfo::attr(absl::string_view key) const {
  const auto found = std::lower_bound(attrs_.begin(), attrs_.end(), key,
                                      [](const auto& entry, absl::string_view k) { return entry.first < k; });
  if (found != attrs_.end() && found->first == key) return found->second;
  const AttrSchema* schema = schema_ == nullptr ? nullptr : schema_->FindAttr(key);
  return schema == nullptr ? AttrView() : schema->default_view();
}

template <typename T, typename Get>
absl::Status NodeInfo::Read(absl::string_view key, AttrView::Kind kind, const char* kind_name, T* value,
                            Get get) const {
  const AttrView view = attr(key);
  if (view.kind() == AttrView::kNone) {
    return absl::InvalidArgumentError(absl::StrCat("attribute '", key, "' is missing"));
  }
  if (view.kind() != kind) {
    return absl::InvalidArgumentError(absl::StrCat("attribute '", key, "' is not of type ", kind_name));
  }
  *value = get(view);
  return absl::OkStatus();
}

absl::Status NodeInfo::Attr(absl::string_view key, bool* value) const {
  return Read(key, AttrView::kBool, "bool", value, [](AttrView view) { return view.b(); });
}
absl::Status NodeInfo::Attr(absl::string_view key, int64_t* value) const {
  return Read(key, AttrView::kInt, "int", value, [](AttrView view) { return view.i(); });
}
absl::Status NodeInfo::Attr(absl::string_view key, int32_t* value) const {
  int64_t wide = 0;
  RETURN_IF_ERROR(Attr(key, &wide));
  return Narrow(key, wide, value);
}
absl::Status NodeInfo::Attr(absl::string_view key, float* value) const {
  return Read(key, AttrView::kFloat, "float", value, [](AttrView view) { return view.f(); });
}
absl::Status NodeInfo::Attr(absl::string_view key, std::string* value) const {
  return Read(key, AttrView::kString, "string", value, [](AttrView view) { return std::string(view.s()); });
}
absl::Status NodeInfo::Attr(absl::string_view key, DataType* value) const {
  return Read(key, AttrView::kType, "type", value, [](AttrView view) { return view.type(); });
}
absl::Status NodeInfo::Attr(absl::string_view key, PartialShape* value) const {
  return Read(key, AttrView::kShape, "shape", value, [](AttrView view) { return view.shape(); });
}
absl::Status NodeInfo::Attr(absl::string_view key, FunctionRef* value) const {
  return Read(key, AttrView::kFunc, "func", value, ToFunctionRef);
}
absl::Status NodeInfo::Attr(absl::string_view key, Tensor* value) const {
  AttrView view;
  RETURN_IF_ERROR(Read(key, AttrView::kTensor, "tensor", &view, [](AttrView v) { return v; }));
  if (view.tensor_source() != nullptr) {
    ASSIGN_OR_RETURN(*value, view.tensor_source()->Load());
  } else {
    ASSIGN_OR_RETURN(*value, DecodeTensorProto(view.tensor_bytes(), nullptr));
  }
  return absl::OkStatus();
}
absl::Status NodeInfo::Attr(absl::string_view key, std::vector<bool>* value) const {
  return Read(key, AttrView::kList, "list(bool)", value, [](AttrView view) { return view.list_b(); });
}
absl::Status NodeInfo::Attr(absl::string_view key, std::vector<int64_t>* value) const {
  return Read(key, AttrView::kList, "list(int)", value, [](AttrView view) { return view.list_i(); });
}
absl::Status NodeInfo::Attr(absl::string_view key, std::vector<int32_t>* value) const {
  std::vector<int64_t> wide;
  RETURN_IF_ERROR(Attr(key, &wide));
  value->resize(wide.size());
  for (size_t i = 0; i < wide.size(); ++i) RETURN_IF_ERROR(Narrow(key, wide[i], &(*value)[i]));
  return absl::OkStatus();
}
absl::Status NodeInfo::Attr(absl::string_view key, std::vector<float>* value) const {
  return Read(key, AttrView::kList, "list(float)", value, [](AttrView view) { return view.list_f(); });
}
absl::Status NodeInfo::Attr(absl::string_view key, std::vector<std::string>* value) const {
  return Read(key, AttrView::kList, "list(string)", value, [](AttrView view) {
    const std::vector<absl::string_view> strings = view.list_s();
    return std::vector<std::string>(strings.begin(), strings.end());
  });
}
absl::Status NodeInfo::Attr(absl::string_view key, std::vector<DataType>* value) const {
  return Read(key, AttrView::kList, "list(type)", value, [](AttrView view) { return view.list_type(); });
}
absl::Status NodeInfo::Attr(absl::string_view key, std::vector<PartialShape>* value) const {
  return Read(key, AttrView::kList, "list(shape)", value, [](AttrView view) { return view.list_shape(); });
}
absl::Status NodeInfo::Attr(absl::string_view key, std::vector<FunctionRef>* value) const {
  return Read(key, AttrView::kList, "list(func)", value, [](AttrView view) {
    std::vector<FunctionRef> functions;
    for (absl::string_view bytes : view.list_func()) {
      const std::string attr_value = FuncAttrValue(bytes);
      functions.push_back(ToFunctionRef(AttrView(attr_value)));
    }
    return functions;
  });
}

absl::Status NodeInfo::UnsupportedType(DataType dtype) const {
  return absl::UnimplementedError(absl::StrCat("no kernel for ", DataTypeName(dtype)));
}

absl::Status NodeInfo::UnsupportedAttr(absl::string_view key, absl::string_view value) const {
  return absl::UnimplementedError(absl::StrCat("no kernel for ", key, " = ", value));
}

}  // namespace cryograph
