// TensorFlow's element types: numbers, names, widths.
#ifndef CRYOGRAPH_GRAPH_DTYPE_H_
#define CRYOGRAPH_GRAPH_DTYPE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace cryograph {

// Numbers of tensorflow.DataType. Files may hold others: keep them, and fail only when a value must be
// interpreted.
enum DataType : int32_t {
  DT_INVALID = 0,
  DT_FLOAT = 1,
  DT_DOUBLE = 2,
  DT_INT32 = 3,
  DT_UINT8 = 4,
  DT_INT16 = 5,
  DT_INT8 = 6,
  DT_STRING = 7,
  DT_COMPLEX64 = 8,
  DT_INT64 = 9,
  DT_BOOL = 10,
  DT_QINT8 = 11,
  DT_QUINT8 = 12,
  DT_QINT32 = 13,
  DT_BFLOAT16 = 14,
  DT_QINT16 = 15,
  DT_QUINT16 = 16,
  DT_UINT16 = 17,
  DT_COMPLEX128 = 18,
  DT_HALF = 19,
  DT_RESOURCE = 20,
  DT_VARIANT = 21,
  DT_UINT32 = 22,
  DT_UINT64 = 23,
  DT_FLOAT8_E5M2 = 24,
  DT_FLOAT8_E4M3FN = 25,
  DT_FLOAT8_E4M3FNUZ = 26,
  DT_FLOAT8_E4M3B11FNUZ = 27,
  DT_FLOAT8_E5M2FNUZ = 28,
  DT_INT4 = 29,
  DT_UINT4 = 30,
  DT_INT2 = 31,
  DT_UINT2 = 32,
  DT_FLOAT4_E2M1FN = 33,
};

constexpr int32_t kRefOffset = 100;  // DT_FLOAT_REF = DT_FLOAT + 100.

constexpr bool IsRefType(DataType dtype) { return dtype > kRefOffset; }
constexpr DataType BaseType(DataType dtype) {
  return IsRefType(dtype) ? static_cast<DataType>(dtype - kRefOffset) : dtype;
}
constexpr DataType RefType(DataType dtype) {
  return IsRefType(dtype) ? dtype : static_cast<DataType>(dtype + kRefOffset);
}

// Bytes of one element in files and in memory; 0 for strings, resources, variants, references and unknown
// types.
int DataTypeBytes(DataType dtype);

// True for the numbers of the enum above (not DT_INVALID, not references).
bool IsKnownDataType(DataType dtype);

// "DT_FLOAT", "DT_FLOAT_REF"; the number as text for one that has no name.
std::string DataTypeEnumName(DataType dtype);
// "float", "float_ref", as graph transforms and Python name types.
std::string DataTypeName(DataType dtype);

// Reads "float", "float32", "DT_FLOAT", "half_ref" …; false if there is no such type.
bool ParseDataType(absl::string_view text, DataType* dtype);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_DTYPE_H_
