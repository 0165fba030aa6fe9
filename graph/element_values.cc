#include "graph/element_values.h"

#include <cstring>

#include "graph/shortest_decimal.h"
#include "graph/small_float.h"

namespace cryograph {
namespace {

template <typename T>
void ReadAs(const Tensor& value, uint64_t begin, size_t count, double* out) {
  const char* from = value.bytes.data() + begin * sizeof(T);
  for (size_t i = 0; i < count; ++i, from += sizeof(T)) {
    T element;
    std::memcpy(&element, from, sizeof(T));
    out[i] = static_cast<double>(element);
  }
}

// Integers of `bits` bits in a byte each.
void ReadSubByte(const Tensor& value, uint64_t begin, size_t count, int bits, bool is_signed, double* out) {
  for (size_t i = 0; i < count; ++i) {
    const int raw = static_cast<unsigned char>(value.bytes[begin + i]) & ((1 << bits) - 1);
    out[i] = is_signed && (raw >> (bits - 1)) != 0 ? raw - (1 << bits) : raw;
  }
}

}  // namespace

int ComponentsOf(DataType dtype) {
  if (dtype == DT_COMPLEX64 || dtype == DT_COMPLEX128) return 2;
  return DataTypeBytes(dtype) == 0 ? 0 : 1;
}

void ReadComponents(const Tensor& value, uint64_t begin, size_t count, double* out) {
  switch (value.dtype) {
    case DT_FLOAT:
    case DT_COMPLEX64:
      return ReadAs<float>(value, begin, count, out);
    case DT_DOUBLE:
    case DT_COMPLEX128:
      return ReadAs<double>(value, begin, count, out);
    case DT_INT8:
    case DT_QINT8:
      return ReadAs<int8_t>(value, begin, count, out);
    case DT_INT16:
    case DT_QINT16:
      return ReadAs<int16_t>(value, begin, count, out);
    case DT_UINT16:
    case DT_QUINT16:
      return ReadAs<uint16_t>(value, begin, count, out);
    case DT_INT32:
    case DT_QINT32:
      return ReadAs<int32_t>(value, begin, count, out);
    case DT_UINT32:
      return ReadAs<uint32_t>(value, begin, count, out);
    case DT_INT64:
      return ReadAs<int64_t>(value, begin, count, out);
    case DT_UINT64:
      return ReadAs<uint64_t>(value, begin, count, out);
    case DT_INT4:
      return ReadSubByte(value, begin, count, 4, true, out);
    case DT_UINT4:
      return ReadSubByte(value, begin, count, 4, false, out);
    case DT_INT2:
      return ReadSubByte(value, begin, count, 2, true, out);
    case DT_UINT2:
      return ReadSubByte(value, begin, count, 2, false, out);
    default:
      break;
  }
  ReadAs<uint8_t>(value, begin, count, out);
  SmallFloat form;
  if (value.dtype == DT_HALF || value.dtype == DT_BFLOAT16) {
    ReadAs<uint16_t>(value, begin, count, out);
    for (size_t i = 0; i < count && value.dtype == DT_HALF; ++i) {
      out[i] = HalfToDouble(static_cast<uint16_t>(out[i]));
    }
  }
  if (!SmallFloatOf(value.dtype, &form)) return;
  for (size_t i = 0; i < count; ++i) out[i] = SmallFloatToDouble(static_cast<uint32_t>(out[i]), form);
}

}  // namespace cryograph
