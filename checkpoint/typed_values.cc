#include "checkpoint/typed_values.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"

namespace cryograph {
namespace {

enum class Form { kNone, kAsInMemory, kVarints, kStrings };

// How the typed field of TensorProto holds a type.
struct Typed {
  Form form = Form::kNone;
  uint32_t field = 0;
  bool is_signed = false;
  uint64_t bound = 0;  // Bytes of an element at most, as TensorFlow reckons.
};

Typed TypedOf(DataType dtype) {
  switch (dtype) {
    case DT_FLOAT:
      return {Form::kAsInMemory, 5, true, 4};
    case DT_DOUBLE:
      return {Form::kAsInMemory, 6, true, 8};
    case DT_COMPLEX64:
      return {Form::kAsInMemory, 9, true, 8};
    case DT_COMPLEX128:
      return {Form::kAsInMemory, 12, true, 16};
    case DT_INT32:
    case DT_INT16:
    case DT_INT8:
    case DT_QINT8:
    case DT_QINT32:
      return {Form::kVarints, 7, true, 10};
    case DT_INT64:
      return {Form::kVarints, 10, true, 10};
    case DT_UINT16:
      return {Form::kVarints, 7, false, 3};
    case DT_UINT8:
    case DT_QUINT8:
      return {Form::kVarints, 7, false, 2};
    case DT_BOOL:
      return {Form::kVarints, 11, false, 1};
    case DT_HALF:
      return {Form::kVarints, 13, false, 3};
    case DT_STRING:
      return {Form::kStrings, 8, false, 0};
    default:
      return {};
  }
}

// Takes elements as they are in memory, in pieces of any size, and hands each on as the number whose varint
// is stored.
template <typename Take>
class ElementSink final : public ByteSink {
 public:
  ElementSink(DataType dtype, bool is_signed, Take take)
      : width_(static_cast<size_t>(DataTypeBytes(dtype))),
        is_signed_(is_signed),
        is_bool_(dtype == DT_BOOL),
        take_(take) {}

  absl::Status Append(absl::string_view bytes) override {
    while (carried_ != 0 && !bytes.empty()) {
      carry_[carried_++] = bytes[0];
      bytes.remove_prefix(1);
      if (carried_ == width_) {
        RETURN_IF_ERROR(take_(Number(carry_)));
        carried_ = 0;
      }
    }
    const size_t whole = bytes.size() / width_ * width_;
    for (size_t i = 0; i < whole; i += width_) RETURN_IF_ERROR(take_(Number(bytes.data() + i)));
    carried_ = carried_ != 0 ? carried_ : bytes.size() - whole;
    std::copy(bytes.begin() + static_cast<ptrdiff_t>(whole), bytes.end(), carry_);
    return absl::OkStatus();
  }

 private:
  template <typename T>
  static T Load(const char* bytes) {
    T value;
    std::memcpy(&value, bytes, sizeof(value));
    return value;
  }

  uint64_t Number(const char* bytes) const {
    switch (width_) {
      case 1:
        if (is_bool_) return *bytes != 0;
        return is_signed_ ? static_cast<uint64_t>(int64_t{Load<int8_t>(bytes)}) : Load<uint8_t>(bytes);
      case 2:
        return is_signed_ ? static_cast<uint64_t>(int64_t{Load<int16_t>(bytes)}) : Load<uint16_t>(bytes);
      case 4:
        return static_cast<uint64_t>(int64_t{Load<int32_t>(bytes)});
      default:
        return Load<uint64_t>(bytes);
    }
  }

  const size_t width_;
  const bool is_signed_, is_bool_;
  Take take_;
  char carry_[8];
  size_t carried_ = 0;
};

// Bytes of all elements in a packed field.
absl::StatusOr<uint64_t> PackedSize(const TensorSource& value, const Typed& typed) {
  if (typed.form == Form::kAsInMemory || value.dtype() == DT_BOOL) return value.num_bytes();
  uint64_t size = 0;
  const auto take = [&](uint64_t number) {
    size += static_cast<uint64_t>(VarintSize(number));
    return absl::OkStatus();
  };
  ElementSink<decltype(take)> sink(value.dtype(), typed.is_signed, take);
  RETURN_IF_ERROR(value.Write(sink));
  return size;
}

absl::Status WriteVarints(const TensorSource& value, const Typed& typed, ByteSink& sink) {
  constexpr size_t kPiece = 64 << 10;
  std::string piece;
  const auto take = [&](uint64_t number) {
    AppendVarint(number, &piece);
    if (piece.size() < kPiece) return absl::OkStatus();
    const absl::Status status = sink.Append(piece);
    piece.clear();
    return status;
  };
  ElementSink<decltype(take)> elements(value.dtype(), typed.is_signed, take);
  RETURN_IF_ERROR(value.Write(elements));
  return sink.Append(piece);
}

}  // namespace

bool HasTypedValues(DataType dtype) { return TypedOf(dtype).form != Form::kNone; }

uint64_t TypedValuesBound(DataType dtype, uint64_t count) {
  constexpr uint64_t kRest = 1024;
  const Typed typed = TypedOf(dtype);
  uint64_t bound;
  if (__builtin_mul_overflow(count, typed.bound, &bound) || __builtin_add_overflow(bound, kRest, &bound)) {
    return ~uint64_t{0};
  }
  return bound;
}

absl::StatusOr<uint64_t> TypedValuesSize(const TensorSource& value) {
  const Typed typed = TypedOf(value.dtype());
  if (typed.form == Form::kStrings) {
    ASSIGN_OR_RETURN(const Tensor tensor, value.Load());
    uint64_t size = 0;
    for (const absl::string_view text : tensor.strings) size += BytesFieldSize(typed.field, text.size());
    return size;
  }
  ASSIGN_OR_RETURN(const uint64_t packed, PackedSize(value, typed));
  return packed == 0 ? 0 : BytesFieldSize(typed.field, packed);
}

absl::Status WriteTypedValues(const TensorSource& value, ByteSink& sink) {
  const Typed typed = TypedOf(value.dtype());
  std::string head;
  if (typed.form == Form::kStrings) {
    ASSIGN_OR_RETURN(const Tensor tensor, value.Load());
    for (const absl::string_view text : tensor.strings) {
      head.clear();
      AppendBytesHeader(typed.field, text.size(), &head);
      RETURN_IF_ERROR(sink.Append(head));
      RETURN_IF_ERROR(sink.Append(text));
    }
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const uint64_t packed, PackedSize(value, typed));
  if (packed == 0) return absl::OkStatus();
  AppendBytesHeader(typed.field, packed, &head);
  RETURN_IF_ERROR(sink.Append(head));
  return typed.form == Form::kAsInMemory ? value.Write(sink) : WriteVarints(value, typed, sink);
}

static bool Packed(Form form, DataType dtype, absl::string_view proto, absl::string_view* packed) {
  const Typed typed = TypedOf(dtype);
  if (typed.form != form) return false;
  WireReader reader(proto);
  WireField field;
  int fields = 0;
  while (reader.Next(&field)) {
    if (field.number != typed.field) continue;
    if (field.type != WireType::kBytes) return false;
    *packed = field.bytes;
    ++fields;
  }
  return reader.ok() && fields == 1;
}

bool PackedAsInMemory(DataType dtype, absl::string_view proto, absl::string_view* packed) {
  return Packed(Form::kAsInMemory, dtype, proto, packed);
}

bool PackedVarints(DataType dtype, absl::string_view proto, absl::string_view* packed) {
  return Packed(Form::kVarints, dtype, proto, packed);
}

absl::Status StreamVarints(DataType dtype, absl::string_view packed, uint64_t count, ByteSink& sink) {
  constexpr size_t kPiece = 64 << 10;
  const size_t width = static_cast<size_t>(DataTypeBytes(dtype));
  std::string piece;
  uint64_t found = 0;
  while (!packed.empty()) {
    uint64_t number;
    if (!ReadVarint(&packed, &number)) {
      return absl::DataLossError(absl::StrCat("the value of element ", found, " is cut"));
    }
    if (++found > count) break;
    if (dtype == DT_BOOL) number = number != 0;
    // Little-endian: the low bytes come first.
    piece.append(reinterpret_cast<const char*>(&number), width);
    if (piece.size() < kPiece) continue;
    RETURN_IF_ERROR(sink.Append(piece));
    piece.clear();
  }
  if (found != count) {
    return absl::DataLossError(absl::StrCat("there are ", found > count ? "more" : "fewer",
                                            " values than the ", count, " elements of ",
                                            DataTypeEnumName(dtype)));
  }
  return sink.Append(piece);
}

}  // namespace cryograph
