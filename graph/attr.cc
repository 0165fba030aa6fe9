#include "graph/attr.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/wire.h"

namespace cryograph {
namespace {

// Field numbers of AttrValue; ListValue has the same for its elements, but for func.
enum AttrField : uint32_t {
  kListField = 1,
  kStringField = 2,
  kIntField = 3,
  kFloatField = 4,
  kBoolField = 5,
  kTypeField = 6,
  kShapeField = 7,
  kTensorField = 8,
  kPlaceholderField = 9,
  kFuncField = 10,
};
constexpr uint32_t kListFuncField = 9;

float FloatOfBits(uint64_t bits) {
  const uint32_t low = static_cast<uint32_t>(bits);
  float value;
  std::memcpy(&value, &low, sizeof(value));
  return value;
}

uint32_t BitsOfFloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

PartialShape DecodeShape(absl::string_view bytes) {
  PartialShape shape;
  WireReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (field.number == 2 && field.type == WireType::kBytes) {
      int64_t size = 0;
      WireReader dim(field.bytes);
      for (WireField part; dim.Next(&part);) {
        if (part.number == 1 && part.type == WireType::kVarint) size = static_cast<int64_t>(part.varint);
      }
      shape.dims.push_back(size);
    } else if (field.number == 3 && field.type == WireType::kVarint) {
      shape.unknown_rank = field.varint != 0;
    }
  }
  return shape;
}

std::string EncodeShape(const PartialShape& shape) {
  std::string bytes;
  for (const int64_t size : shape.dims) {
    std::string dim;
    if (size != 0) AppendVarintField(1, static_cast<uint64_t>(size), &dim);
    AppendBytesField(2, dim, &bytes);
  }
  if (shape.unknown_rank) AppendVarintField(3, 1, &bytes);
  return bytes;
}

// Length-delimited elements `number` of the list whose payload is `list`.
std::vector<absl::string_view> ByteElements(absl::string_view list, uint32_t number) {
  std::vector<absl::string_view> elements;
  WireReader reader(list);
  for (WireField field; reader.Next(&field);) {
    if (field.number == number && field.type == WireType::kBytes) elements.push_back(field.bytes);
  }
  return elements;
}

// Varint elements `number`, packed or not.
std::vector<uint64_t> VarintElements(absl::string_view list, uint32_t number) {
  std::vector<uint64_t> elements;
  WireReader reader(list);
  for (WireField field; reader.Next(&field);) {
    if (field.number != number) continue;
    if (field.type == WireType::kVarint) elements.push_back(field.varint);
    if (field.type != WireType::kBytes) continue;
    for (uint64_t value; !field.bytes.empty() && ReadVarint(&field.bytes, &value);) elements.push_back(value);
  }
  return elements;
}

std::string AttrOfList(const std::string& list) {
  std::string bytes;
  AppendBytesField(kListField, list, &bytes);
  return bytes;
}

}  // namespace

std::string PartialShapeText(const PartialShape& shape) {
  if (shape.unknown_rank) return "<unknown>";
  return absl::StrCat("[",
                      absl::StrJoin(shape.dims, ",",
                                    [](std::string* out, int64_t dim) {
                                      absl::StrAppend(out, dim < 0 ? "?" : absl::StrCat(dim));
                                    }),
                      "]");
}

AttrView::AttrView(absl::string_view bytes) : kind_(kEmpty), bytes_(bytes) {
  WireReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    switch (field.number) {
      case kListField:
        kind_ = kList;
        break;
      case kStringField:
        kind_ = kString;
        break;
      case kIntField:
        kind_ = kInt;
        break;
      case kFloatField:
        kind_ = kFloat;
        break;
      case kBoolField:
        kind_ = kBool;
        break;
      case kTypeField:
        kind_ = kType;
        break;
      case kShapeField:
        kind_ = kShape;
        break;
      case kTensorField:
        kind_ = kTensor;
        break;
      case kPlaceholderField:
        kind_ = kPlaceholder;
        break;
      case kFuncField:
        kind_ = kFunc;
        break;
      default:
        if (kind_ == kEmpty) kind_ = kUnknown;
        continue;
    }
    payload_ = field.bytes;
    number_ = field.varint;
  }
}

float AttrView::f() const { return FloatOfBits(number_); }
PartialShape AttrView::shape() const { return DecodeShape(payload_); }
absl::string_view AttrView::func_name() const { return NameOfNameAttrList(payload_); }

std::vector<std::pair<absl::string_view, AttrView>> AttrView::func_attrs() const {
  std::vector<std::pair<absl::string_view, AttrView>> attrs;
  for (const absl::string_view entry : ByteElements(payload_, 2)) {
    std::pair<absl::string_view, AttrView> attr{"", AttrView(absl::string_view())};
    WireReader reader(entry);
    for (WireField field; reader.Next(&field);) {
      if (field.number == 1) attr.first = field.bytes;
      if (field.number == 2) attr.second = AttrView(field.bytes);
    }
    attrs.push_back(attr);
  }
  return attrs;
}

std::vector<absl::string_view> AttrView::list_s() const { return ByteElements(payload_, kStringField); }
std::vector<absl::string_view> AttrView::list_tensor() const { return ByteElements(payload_, kTensorField); }
std::vector<absl::string_view> AttrView::list_func() const { return ByteElements(payload_, kListFuncField); }

std::vector<int64_t> AttrView::list_i() const {
  std::vector<int64_t> values;
  for (const uint64_t value : VarintElements(payload_, kIntField))
    values.push_back(static_cast<int64_t>(value));
  return values;
}

std::vector<float> AttrView::list_f() const {
  std::vector<float> values;
  WireReader reader(payload_);
  for (WireField field; reader.Next(&field);) {
    if (field.number != kFloatField) continue;
    if (field.type == WireType::kFixed32) values.push_back(FloatOfBits(field.varint));
    if (field.type != WireType::kBytes) continue;
    for (size_t i = 0; i + 4 <= field.bytes.size(); i += 4) {
      values.push_back(FloatOfBits(LoadFixed32(field.bytes.data() + i)));
    }
  }
  return values;
}

std::vector<bool> AttrView::list_b() const {
  std::vector<bool> values;
  for (const uint64_t value : VarintElements(payload_, kBoolField)) values.push_back(value != 0);
  return values;
}

std::vector<DataType> AttrView::list_type() const {
  std::vector<DataType> values;
  for (const uint64_t value : VarintElements(payload_, kTypeField))
    values.push_back(static_cast<DataType>(value));
  return values;
}

std::vector<PartialShape> AttrView::list_shape() const {
  std::vector<PartialShape> values;
  for (const absl::string_view bytes : ByteElements(payload_, kShapeField))
    values.push_back(DecodeShape(bytes));
  return values;
}

int AttrView::list_size() const {
  const size_t size = list_s().size() + list_i().size() + list_f().size() + list_b().size() +
                      list_type().size() + list_shape().size() + list_tensor().size() + list_func().size();
  return static_cast<int>(size);
}

absl::string_view NameOfNameAttrList(absl::string_view bytes) {
  absl::string_view name;
  WireReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (field.number == 1 && field.type == WireType::kBytes) name = field.bytes;
  }
  return name;
}

std::string AttrString(absl::string_view value) {
  std::string bytes;
  AppendBytesField(kStringField, value, &bytes);
  return bytes;
}

std::string AttrInt(int64_t value) {
  std::string bytes;
  AppendVarintField(kIntField, static_cast<uint64_t>(value), &bytes);
  return bytes;
}

std::string AttrFloat(float value) {
  std::string bytes;
  AppendFixed32Field(kFloatField, BitsOfFloat(value), &bytes);
  return bytes;
}

std::string AttrBool(bool value) {
  std::string bytes;
  AppendVarintField(kBoolField, value ? 1 : 0, &bytes);
  return bytes;
}

std::string AttrType(DataType value) {
  std::string bytes;
  AppendVarintField(kTypeField, static_cast<uint64_t>(static_cast<int64_t>(value)), &bytes);
  return bytes;
}

std::string AttrShape(const PartialShape& value) {
  std::string bytes;
  AppendBytesField(kShapeField, EncodeShape(value), &bytes);
  return bytes;
}

std::string AttrTensor(absl::string_view tensor_proto) {
  std::string bytes;
  AppendBytesField(kTensorField, tensor_proto, &bytes);
  return bytes;
}

std::string AttrFunc(absl::string_view function_name) {
  std::string name;
  AppendBytesField(1, function_name, &name);
  std::string bytes;
  AppendBytesField(kFuncField, name, &bytes);
  return bytes;
}

std::string AttrTypeList(absl::Span<const DataType> values) {
  std::string packed;
  for (const DataType value : values)
    AppendVarint(static_cast<uint64_t>(static_cast<int64_t>(value)), &packed);
  std::string list;
  if (!values.empty()) AppendBytesField(kTypeField, packed, &list);
  return AttrOfList(list);
}

std::string AttrIntList(absl::Span<const int64_t> values) {
  std::string packed;
  for (const int64_t value : values) AppendVarint(static_cast<uint64_t>(value), &packed);
  std::string list;
  if (!values.empty()) AppendBytesField(kIntField, packed, &list);
  return AttrOfList(list);
}

std::string AttrStringList(absl::Span<const std::string> values) {
  std::string list;
  for (const std::string& value : values) AppendBytesField(kStringField, value, &list);
  return AttrOfList(list);
}

std::string AttrShapeList(absl::Span<const PartialShape> values) {
  std::string list;
  for (const PartialShape& value : values) AppendBytesField(kShapeField, EncodeShape(value), &list);
  return AttrOfList(list);
}

}  // namespace cryograph
