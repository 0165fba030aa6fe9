// Reads the table's lines, and the OpDef messages of models, into OpSchema.
#include "graph/op_schema_text.h"

#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/wire.h"

namespace cryograph {
namespace {

// Field numbers of AttrValue; those of AttrValue.ListValue are the same but for func.
constexpr uint32_t kList = 1, kString = 2, kInt = 3, kFloat = 4, kBool = 5, kType = 6, kShape = 7,
                   kTensor = 8, kFunc = 10, kListFunc = 9;

// ---- Values of the table.

// Takes a string literal off the front of `*text`.
std::string TakeString(absl::string_view* text) {
  size_t end = 1;
  while ((*text)[end] != '"') end += (*text)[end] == '\\' ? 4 : 1;
  std::string value;
  absl::CUnescape(text->substr(1, end - 1), &value);
  text->remove_prefix(end + 1);
  return value;
}

// Takes what stands before the next comma or closing bracket.
absl::string_view TakeWord(absl::string_view* text) {
  const absl::string_view word = text->substr(0, text->find_first_of(",]}"));
  text->remove_prefix(word.size());
  return word;
}

int64_t IntOf(absl::string_view word) {
  int64_t value = 0;
  (void)absl::SimpleAtoi(word, &value);
  return value;
}

DataType TypeOf(absl::string_view word) {
  DataType type = DT_INVALID;
  ParseDataType(word, &type);
  return type;
}

// Takes "?" or "[2,-1]"; returns a serialized TensorShapeProto.
std::string TakeShape(absl::string_view* text) {
  std::string shape;
  if (absl::ConsumePrefix(text, "?")) {
    AppendVarintField(3, 1, &shape);
    return shape;
  }
  absl::ConsumePrefix(text, "[");
  while (!absl::ConsumePrefix(text, "]")) {
    std::string dim;
    if (const int64_t size = IntOf(TakeWord(text)); size != 0)
      AppendVarintField(1, static_cast<uint64_t>(size), &dim);
    AppendBytesField(2, dim, &shape);
    absl::ConsumePrefix(text, ",");
  }
  return shape;
}

// Takes one value of `kind` and appends it as field of AttrValue.
void TakeScalar(absl::string_view kind, absl::string_view* text, std::string* out) {
  if (kind == "string") {
    AppendBytesField(kString, TakeString(text), out);
  } else if (kind == "int") {
    AppendVarintField(kInt, static_cast<uint64_t>(IntOf(TakeWord(text))), out);
  } else if (kind == "float") {
    float value = 0;
    (void)absl::SimpleAtof(TakeWord(text), &value);
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    AppendFixed32Field(kFloat, bits, out);
  } else if (kind == "bool") {
    AppendVarintField(kBool, TakeWord(text) == "true" ? 1 : 0, out);
  } else if (kind == "type") {
    AppendVarintField(kType, static_cast<uint64_t>(TypeOf(TakeWord(text))), out);
  } else if (kind == "shape") {
    AppendBytesField(kShape, TakeShape(text), out);
  } else if (kind == "tensor") {
    AppendBytesField(kTensor, absl::HexStringToBytes(absl::StripPrefix(TakeWord(text), "%")), out);
  } else {
    const absl::string_view name = absl::StripPrefix(TakeWord(text), "@");
    std::string func;
    if (!name.empty()) AppendBytesField(1, name, &func);
    AppendBytesField(kFunc, func, out);
  }
}

// Takes a list; returns the serialized AttrValue. Numbers are packed, as TensorFlow writes them.
std::string TakeList(absl::string_view kind, absl::string_view* text) {
  std::string list, packed;
  uint32_t number = 0;
  absl::ConsumePrefix(text, "[");
  while (!absl::ConsumePrefix(text, "]")) {
    std::string element;
    TakeScalar(kind, text, &element);
    absl::ConsumePrefix(text, ",");
    WireReader reader(element);
    WireField field;
    reader.Next(&field);
    number = field.number == kFunc ? kListFunc : field.number;
    if (field.type == WireType::kVarint) {
      AppendVarint(field.varint, &packed);
    } else if (field.type == WireType::kFixed32) {
      AppendFixed32(static_cast<uint32_t>(field.varint), &packed);
    } else {
      AppendBytesField(number, field.bytes, &list);
    }
  }
  if (!packed.empty()) AppendBytesField(number, packed, &list);
  std::string value;
  AppendBytesField(kList, list, &value);
  return value;
}

std::string TakeValue(absl::string_view type, absl::string_view* text) {
  if (absl::ConsumePrefix(&type, "list(") && absl::ConsumeSuffix(&type, ")")) return TakeList(type, text);
  std::string value;
  TakeScalar(type, text, &value);
  return value;
}

// ---- Items of the table.

// "NAME:TYPE", "NAME:N*TYPE", "NAME:[TYPES]", each perhaps with "&".
ArgSchema ParseArg(absl::string_view item) {
  ArgSchema arg;
  const size_t colon = item.find(':');
  arg.name = item.substr(0, colon);
  absl::string_view type = item.substr(colon + 1);
  arg.is_ref = absl::ConsumeSuffix(&type, "&");
  if (absl::ConsumePrefix(&type, "[")) {
    arg.type_list_attr = absl::StripSuffix(type, "]");
    return arg;
  }
  if (const size_t star = type.find('*'); star != absl::string_view::npos) {
    arg.number_attr = type.substr(0, star);
    type.remove_prefix(star + 1);
  }
  if (!ParseDataType(type, &arg.type) || type.substr(0, 3) != "DT_") {
    arg.type = DT_INVALID;
    arg.type_attr = type;
  }
  return arg;
}

AttrSchema ParseAttr(absl::string_view item) {
  AttrSchema attr;
  const size_t colon = item.find(':');
  attr.name = item.substr(0, colon);
  absl::string_view rest = item.substr(colon + 1);
  attr.type = rest.substr(0, rest.find_first_of("@>{="));
  rest.remove_prefix(attr.type.size());
  if (absl::ConsumePrefix(&rest, "@")) {
    attr.since = rest.substr(0, rest.find_first_of(">{="));
    rest.remove_prefix(attr.since.size());
  }
  if (absl::ConsumePrefix(&rest, ">=")) {
    const absl::string_view number = rest.substr(0, rest.find_first_of("{="));
    attr.has_minimum = true;
    attr.minimum = IntOf(number);
    rest.remove_prefix(number.size());
  }
  if (absl::ConsumePrefix(&rest, "{")) {
    while (!absl::ConsumePrefix(&rest, "}")) {
      if (rest[0] == '"') {
        attr.allowed_strings.push_back(TakeString(&rest));
      } else {
        attr.allowed_types.push_back(TypeOf(TakeWord(&rest)));
      }
      absl::ConsumePrefix(&rest, ",");
    }
  }
  if (absl::ConsumePrefix(&rest, "=")) {
    attr.has_default = true;
    attr.default_value = TakeValue(attr.type, &rest);
  }
  return attr;
}

}  // namespace

OpSchema ParseOpSchemaLine(absl::string_view line) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, '\t');
  OpSchema schema;
  schema.name = fields[0];
  for (char letter : fields[1]) {
    if (letter == 'a' || letter == 'e') schema.in_1_15 = true;
    if (letter == 'b') schema.in_2_21 = true;
    if (letter == 'e') schema.is_extension = true;
  }
  if (fields[2] != "-") schema.since = fields[2];
  if (fields[3] != "-") schema.until = fields[3];
  absl::string_view flags = fields[4];
  schema.is_stateful = absl::ConsumePrefix(&flags, "s");
  schema.is_commutative = absl::ConsumePrefix(&flags, "c");
  schema.is_aggregate = absl::ConsumePrefix(&flags, "a");
  schema.allows_uninitialized_input = absl::ConsumePrefix(&flags, "u");
  schema.deprecated = static_cast<int>(IntOf(flags));
  for (absl::string_view item : absl::StrSplit(fields[5], ' ', absl::SkipEmpty())) {
    schema.inputs.push_back(ParseArg(item));
  }
  for (absl::string_view item : absl::StrSplit(fields[6], ' ', absl::SkipEmpty())) {
    schema.outputs.push_back(ParseArg(item));
  }
  for (absl::string_view item : absl::StrSplit(fields[7], ' ', absl::SkipEmpty())) {
    schema.attrs.push_back(ParseAttr(item));
  }
  return schema;
}

// ---- OpDef messages: name 1, input_arg 2, output_arg 3, attr 4, deprecation 8, is_commutative 18,
// is_aggregate 16, is_stateful 17, allows_uninitialized_input 19.

namespace {

// ArgDef: name 1, type 3, type_attr 4, number_attr 5, type_list_attr 6, is_ref 16.
bool ParseArgDef(absl::string_view bytes, ArgSchema* arg) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (field.type == WireType::kBytes) {
      if (field.number == 1) arg->name = field.bytes;
      if (field.number == 4) arg->type_attr = field.bytes;
      if (field.number == 5) arg->number_attr = field.bytes;
      if (field.number == 6) arg->type_list_attr = field.bytes;
    } else if (field.type == WireType::kVarint) {
      if (field.number == 3) arg->type = static_cast<DataType>(field.varint);
      if (field.number == 16) arg->is_ref = field.varint != 0;
    }
  }
  return reader.ok();
}

// AttrDef: name 1, type 2, default_value 3, has_minimum 5, minimum 6, allowed_values 7.
bool ParseAttrDef(absl::string_view bytes, AttrSchema* attr) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (field.type == WireType::kBytes) {
      if (field.number == 1) attr->name = field.bytes;
      if (field.number == 2) attr->type = field.bytes;
      if (field.number == 3) {
        attr->has_default = true;
        attr->default_value.append(field.bytes.data(),
                                   field.bytes.size());  // A field that stands twice is merged.
      }
      if (field.number == 7) {
        const AttrView allowed(field.bytes);
        if (allowed.kind() != AttrView::kList) continue;
        attr->allowed_types = allowed.list_type();
        for (absl::string_view text : allowed.list_s()) attr->allowed_strings.emplace_back(text);
      }
    } else if (field.type == WireType::kVarint) {
      if (field.number == 5) attr->has_minimum = field.varint != 0;
      if (field.number == 6) attr->minimum = static_cast<int64_t>(field.varint);
    }
  }
  return reader.ok();
}

int ParseDeprecation(absl::string_view bytes) {
  WireReader reader(bytes);
  WireField field;
  int version = 0;
  while (reader.Next(&field)) {
    if (field.number == 1 && field.type == WireType::kVarint) version = static_cast<int>(field.varint);
  }
  return version;
}

}  // namespace

absl::StatusOr<OpSchema> ParseOpDef(absl::string_view op_def) {
  OpSchema schema;
  WireReader reader(op_def);
  WireField field;
  bool ok = true;
  while (reader.Next(&field)) {
    if (field.type == WireType::kBytes) {
      if (field.number == 1) schema.name = field.bytes;
      if (field.number == 2) ok = ParseArgDef(field.bytes, &schema.inputs.emplace_back()) && ok;
      if (field.number == 3) ok = ParseArgDef(field.bytes, &schema.outputs.emplace_back()) && ok;
      if (field.number == 4) ok = ParseAttrDef(field.bytes, &schema.attrs.emplace_back()) && ok;
      if (field.number == 8) schema.deprecated = ParseDeprecation(field.bytes);
    } else if (field.type == WireType::kVarint) {
      if (field.number == 16) schema.is_aggregate = field.varint != 0;
      if (field.number == 17) schema.is_stateful = field.varint != 0;
      if (field.number == 18) schema.is_commutative = field.varint != 0;
      if (field.number == 19) schema.allows_uninitialized_input = field.varint != 0;
    }
  }
  if (!ok || !reader.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("the definition of op '", schema.name,
                                                   "' is garbled at byte ", reader.position(), " of ",
                                                   op_def.size()));
  }
  return schema;
}

}  // namespace cryograph
