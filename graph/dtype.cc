#include "graph/dtype.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace cryograph {
namespace {

struct TypeRow {
  const char* enum_name;
  const char* name;
  int bytes;
};

// The row number is the number of the type.
constexpr TypeRow kTypes[] = {
    {"DT_INVALID", "invalid", 0},
    {"DT_FLOAT", "float", 4},
    {"DT_DOUBLE", "double", 8},
    {"DT_INT32", "int32", 4},
    {"DT_UINT8", "uint8", 1},
    {"DT_INT16", "int16", 2},
    {"DT_INT8", "int8", 1},
    {"DT_STRING", "string", 0},
    {"DT_COMPLEX64", "complex64", 8},
    {"DT_INT64", "int64", 8},
    {"DT_BOOL", "bool", 1},
    {"DT_QINT8", "qint8", 1},
    {"DT_QUINT8", "quint8", 1},
    {"DT_QINT32", "qint32", 4},
    {"DT_BFLOAT16", "bfloat16", 2},
    {"DT_QINT16", "qint16", 2},
    {"DT_QUINT16", "quint16", 2},
    {"DT_UINT16", "uint16", 2},
    {"DT_COMPLEX128", "complex128", 16},
    {"DT_HALF", "half", 2},
    {"DT_RESOURCE", "resource", 0},
    {"DT_VARIANT", "variant", 0},
    {"DT_UINT32", "uint32", 4},
    {"DT_UINT64", "uint64", 8},
    {"DT_FLOAT8_E5M2", "float8_e5m2", 1},
    {"DT_FLOAT8_E4M3FN", "float8_e4m3fn", 1},
    {"DT_FLOAT8_E4M3FNUZ", "float8_e4m3fnuz", 1},
    {"DT_FLOAT8_E4M3B11FNUZ", "float8_e4m3b11fnuz", 1},
    {"DT_FLOAT8_E5M2FNUZ", "float8_e5m2fnuz", 1},
    {"DT_INT4", "int4", 1},
    {"DT_UINT4", "uint4", 1},
    {"DT_INT2", "int2", 1},
    {"DT_UINT2", "uint2", 1},
    {"DT_FLOAT4_E2M1FN", "float4_e2m1fn", 1},
};
constexpr int kTypeCount = sizeof(kTypes) / sizeof(kTypes[0]);
static_assert(kTypeCount == DT_FLOAT4_E2M1FN + 1, "one row per type");

// Null for numbers without a name.
const TypeRow* RowOf(DataType dtype) { return dtype >= 0 && dtype < kTypeCount ? &kTypes[dtype] : nullptr; }

// Python's names where they differ.
struct Alias {
  const char* alias;
  DataType dtype;
};
constexpr Alias kAliases[] = {{"float16", DT_HALF}, {"float32", DT_FLOAT}, {"float64", DT_DOUBLE}};

}  // namespace

int DataTypeBytes(DataType dtype) {
  const TypeRow* const row = RowOf(dtype);
  return row == nullptr ? 0 : row->bytes;
}

bool IsKnownDataType(DataType dtype) { return dtype != DT_INVALID && RowOf(dtype) != nullptr; }

std::string DataTypeEnumName(DataType dtype) {
  const TypeRow* const row = RowOf(BaseType(dtype));
  if (row == nullptr) return absl::StrCat(static_cast<int32_t>(dtype));
  return absl::StrCat(row->enum_name, IsRefType(dtype) ? "_REF" : "");
}

std::string DataTypeName(DataType dtype) {
  const TypeRow* const row = RowOf(BaseType(dtype));
  if (row == nullptr) return absl::StrCat(static_cast<int32_t>(dtype));
  return absl::StrCat(row->name, IsRefType(dtype) ? "_ref" : "");
}

bool ParseDataType(absl::string_view text, DataType* dtype) {
  const bool is_enum_name = absl::StartsWith(text, "DT_");
  const bool is_ref = absl::ConsumeSuffix(&text, is_enum_name ? "_REF" : "_ref");
  for (int number = 1; number < kTypeCount; ++number) {
    if (text == (is_enum_name ? kTypes[number].enum_name : kTypes[number].name)) {
      *dtype = static_cast<DataType>(number + (is_ref ? kRefOffset : 0));
      return true;
    }
  }
  for (const Alias& alias : kAliases) {
    if (text == alias.alias) {
      *dtype = is_ref ? RefType(alias.dtype) : alias.dtype;
      return true;
    }
  }
  return false;
}

}  // namespace cryograph
