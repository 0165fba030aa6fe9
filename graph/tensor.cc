#include "graph/tensor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/wire.h"

namespace cryograph {
namespace {

// Field numbers of TensorProto and of the messages in it.
constexpr uint32_t kDtype = 1;
constexpr uint32_t kShape = 2;
constexpr uint32_t kContent = 4;
constexpr uint32_t kFloatVal = 5;
constexpr uint32_t kDoubleVal = 6;
constexpr uint32_t kIntVal = 7;
constexpr uint32_t kStringVal = 8;
constexpr uint32_t kScomplexVal = 9;
constexpr uint32_t kInt64Val = 10;
constexpr uint32_t kBoolVal = 11;
constexpr uint32_t kDcomplexVal = 12;
constexpr uint32_t kHalfVal = 13;
constexpr uint32_t kVariantVal = 15;
constexpr uint32_t kUint32Val = 16;
constexpr uint32_t kUint64Val = 17;
constexpr uint32_t kFloat8Val = 18;
constexpr uint32_t kShapeDim = 2;
constexpr uint32_t kShapeUnknownRank = 3;
constexpr uint32_t kDimSize = 1;

constexpr size_t kMaxRank = 254;

// How the typed field of a type holds its elements.
enum class Coding {
  kNone,      // Resources, unknown types.
  kFixed,     // Packed little-endian numbers: raw memory, in one or two numbers per element.
  kVarint,    // Integers, taken modulo the width of the type.
  kBytes,     // One byte string, one byte per element.
  kMessages,  // One length-delimited field per element.
};

struct TypedField {
  uint32_t number;
  Coding coding;
  // TensorFlow's make_tensor_proto writes several elements as tensor_content; the other types keep the typed
  // field.
  bool content_when_several;
};

TypedField TypedFieldOf(DataType dtype) {
  switch (dtype) {
    case DT_FLOAT:
      return {kFloatVal, Coding::kFixed, true};
    case DT_DOUBLE:
      return {kDoubleVal, Coding::kFixed, true};
    case DT_COMPLEX64:
      return {kScomplexVal, Coding::kFixed, false};
    case DT_COMPLEX128:
      return {kDcomplexVal, Coding::kFixed, false};
    case DT_INT32:
    case DT_UINT8:
    case DT_INT16:
    case DT_INT8:
    case DT_QINT8:
    case DT_QUINT8:
    case DT_QINT32:
    case DT_QINT16:
    case DT_QUINT16:
      return {kIntVal, Coding::kVarint, true};
    case DT_UINT16:
    case DT_INT4:
    case DT_UINT4:
    case DT_INT2:
    case DT_UINT2:
      return {kIntVal, Coding::kVarint, false};
    case DT_INT64:
      return {kInt64Val, Coding::kVarint, true};
    case DT_UINT32:
      return {kUint32Val, Coding::kVarint, true};
    case DT_UINT64:
      return {kUint64Val, Coding::kVarint, true};
    case DT_BOOL:
      return {kBoolVal, Coding::kVarint, false};
    case DT_HALF:
    case DT_BFLOAT16:
      return {kHalfVal, Coding::kVarint, true};
    case DT_FLOAT8_E5M2:
    case DT_FLOAT8_E4M3FN:
    case DT_FLOAT8_E4M3FNUZ:
    case DT_FLOAT8_E4M3B11FNUZ:
    case DT_FLOAT8_E5M2FNUZ:
    case DT_FLOAT4_E2M1FN:
      return {kFloat8Val, Coding::kBytes, true};
    case DT_STRING:
      return {kStringVal, Coding::kMessages, false};
    case DT_VARIANT:
      return {kVariantVal, Coding::kMessages, false};
    default:
      return {0, Coding::kNone, false};
  }
}

// Significant bits of the types that do not fill their byte; 0 for all others.
int SubByteBits(DataType dtype) {
  if (dtype == DT_INT4 || dtype == DT_UINT4) return 4;
  if (dtype == DT_INT2 || dtype == DT_UINT2) return 2;
  return 0;
}

bool IsSigned(DataType dtype) {
  switch (dtype) {
    case DT_INT32:
    case DT_INT16:
    case DT_INT8:
    case DT_INT64:
    case DT_QINT8:
    case DT_QINT16:
    case DT_QINT32:
    case DT_INT4:
    case DT_INT2:
      return true;
    default:
      return false;
  }
}

// The low `bits` of `value`, as a 64-bit number of the type's signedness.
uint64_t Truncate(uint64_t value, int bits, bool is_signed) {
  if (bits >= 64) return value;
  value &= (uint64_t{1} << bits) - 1;
  if (is_signed && (value >> (bits - 1)) != 0) value |= ~uint64_t{0} << bits;
  return value;
}

int BitsOf(DataType dtype) {
  const int sub_byte = SubByteBits(dtype);
  return sub_byte != 0 ? sub_byte : 8 * DataTypeBytes(dtype);
}

absl::Status NotATensorProto(const WireReader& reader) {
  return absl::InvalidArgumentError(absl::StrCat("the tensor is not a readable TensorProto: damaged at byte ",
                                                 reader.position(), " of it"));
}

absl::Status ParseShape(absl::string_view proto, TensorHeader* header) {
  WireReader reader(proto);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number == kShapeUnknownRank && field.type == WireType::kVarint) {
      header->unknown_rank = field.varint != 0;
    } else if (field.number == kShapeDim && field.type == WireType::kBytes) {
      int64_t size = 0;
      WireReader dim_reader(field.bytes);
      WireField dim_field;
      while (dim_reader.Next(&dim_field)) {
        if (dim_field.number == kDimSize && dim_field.type == WireType::kVarint) {
          size = static_cast<int64_t>(dim_field.varint);
        }
      }
      if (!dim_reader.ok()) return NotATensorProto(dim_reader);
      header->dims.push_back(size);
      if (header->dims.size() > kMaxRank) {
        return absl::InvalidArgumentError(absl::StrCat("the tensor has more than ", kMaxRank, " dimensions"));
      }
    }
  }
  return reader.ok() ? absl::OkStatus() : NotATensorProto(reader);
}

// The fields that every type shares.
struct Parts {
  TensorHeader header;
  int64_t num_elements = 0;
  absl::string_view content;
  absl::string_view float8;
};

absl::StatusOr<Parts> ParseParts(absl::string_view proto) {
  Parts parts;
  WireReader reader(proto);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number == kDtype && field.type == WireType::kVarint) {
      parts.header.dtype = static_cast<DataType>(static_cast<int32_t>(field.varint));
    } else if (field.type == WireType::kBytes) {
      if (field.number == kShape) RETURN_IF_ERROR(ParseShape(field.bytes, &parts.header));
      if (field.number == kContent) parts.content = field.bytes;
      if (field.number == kFloat8Val) parts.float8 = field.bytes;
    }
  }
  if (!reader.ok()) return NotATensorProto(reader);
  const TensorHeader& header = parts.header;
  if (header.dtype == DT_INVALID || IsRefType(header.dtype)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a tensor cannot have the type ", DataTypeEnumName(header.dtype)));
  }
  if (!IsKnownDataType(header.dtype)) {
    return absl::UnimplementedError(
        absl::StrCat("the tensor has type number ", DataTypeEnumName(header.dtype), ", which is unknown"));
  }
  if (header.unknown_rank && !header.dims.empty()) {
    return absl::InvalidArgumentError("the shape of the tensor has dimensions and yet an unknown rank");
  }
  ASSIGN_OR_RETURN(parts.num_elements, NumElements(header.dims));
  return parts;
}

// Turns the values of a typed field into memory of the tensor. With `out` null they are only counted and
// checked. Handles kFixed and kVarint.
class NumberReader {
 public:
  NumberReader(DataType dtype, const TypedField& field)
      : dtype_(dtype),
        field_(field),
        width_(static_cast<size_t>(DataTypeBytes(dtype))),
        bits_(BitsOf(dtype)),
        number_width_(dtype == DT_FLOAT || dtype == DT_COMPLEX64 ? 4 : 8) {}

  // Appends the first `wanted` elements to `out`.
  absl::Status Read(absl::string_view proto, uint64_t wanted, std::string* out) {
    // Far more elements than can be there, so that the product stays in range.
    const uint64_t wanted_bytes = std::min<uint64_t>(wanted, uint64_t{1} << 59) * width_;
    WireReader reader(proto);
    WireField field;
    while (size_ < wanted_bytes && reader.Next(&field)) {
      if (field.number != field_.number) continue;
      if (field_.coding == Coding::kFixed) {
        RETURN_IF_ERROR(AddFixed(field, wanted_bytes, out));
      } else if (field.type == WireType::kVarint) {
        AddVarint(field.varint, out);
      } else if (field.type == WireType::kBytes) {
        absl::string_view rest = field.bytes;
        uint64_t value;
        while (!rest.empty() && size_ < wanted_bytes) {
          if (!ReadVarint(&rest, &value)) {
            return absl::InvalidArgumentError(
                "the tensor is not a readable TensorProto: a packed number is cut");
          }
          AddVarint(value, out);
        }
      }
    }
    return absl::OkStatus();
  }

  // Bytes of tensor memory found so far; a complex number may be half there.
  uint64_t size() const { return size_; }
  // Where they lie in the proto, if they lie there in one piece.
  absl::string_view in_place() const { return in_place_; }

 private:
  absl::Status AddFixed(const WireField& field, uint64_t wanted_bytes, std::string* out) {
    absl::string_view bytes;
    if (field.type == WireType::kBytes) {
      if (field.bytes.size() % number_width_ != 0) {
        return absl::InvalidArgumentError("the tensor is not a readable TensorProto: a packed number is cut");
      }
      bytes = field.bytes;
    } else if (field.type == (number_width_ == 4 ? WireType::kFixed32 : WireType::kFixed64)) {
      bytes = field.raw.substr(field.raw.size() - number_width_);
    } else {
      return absl::OkStatus();  // Another wire type is an unknown field to protobuf.
    }
    bytes = bytes.substr(0, static_cast<size_t>(wanted_bytes - size_));
    in_place_ = size_ == 0 ? bytes : absl::string_view();
    size_ += bytes.size();
    if (out != nullptr) out->append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }

  void AddVarint(uint64_t value, std::string* out) {
    size_ += width_;
    if (out == nullptr) return;
    value = dtype_ == DT_BOOL ? value != 0 : Truncate(value, bits_, IsSigned(dtype_));
    out->append(reinterpret_cast<const char*>(&value), width_);
  }

  const DataType dtype_;
  const TypedField field_;
  const size_t width_;
  const int bits_;
  const size_t number_width_;
  uint64_t size_ = 0;
  absl::string_view in_place_;
};

// Appends the last element of `*bytes` until they have `size` bytes; zeros if there is none.
void Fill(size_t width, size_t size, std::string* bytes) {
  const size_t whole = bytes->size() / width * width;
  bytes->resize(whole);
  if (whole == 0 || width == 1) {
    bytes->resize(size, whole == 0 ? '\0' : bytes->back());
    return;
  }
  // Doubles what has been filled, so that each copy is large.
  const size_t begin = whole - width;
  bytes->reserve(size);
  while (bytes->size() < size) {
    const size_t count = std::min(bytes->size() - begin, size - bytes->size());
    bytes->append(*bytes, begin, count);
  }
}

absl::Status TooLarge(uint64_t num_elements, const Tensor& tensor, uint64_t max_bytes) {
  return absl::ResourceExhaustedError(absl::StrCat(
      "a fill of ", num_elements, " elements of type ", DataTypeEnumName(tensor.dtype), ", shape ",
      ShapeText(tensor.dims), ", would need more than ", max_bytes, " bytes if it were expanded"));
}

// tensor_content of strings and variants: the lengths, then the bytes.
absl::Status DecodeStringContent(absl::string_view content, uint64_t count,
                                 std::vector<absl::string_view>* strings) {
  const auto defect = [count](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat("the tensor_content of ", count, " strings is damaged: ", what));
  };
  if (count > content.size()) return defect("it is shorter than their lengths");
  std::vector<uint64_t> lengths(static_cast<size_t>(count));
  for (uint64_t& length : lengths) {
    if (!ReadVarint(&content, &length)) return defect("a length is cut");
  }
  if (strings != nullptr) strings->reserve(lengths.size());
  for (const uint64_t length : lengths) {
    if (length > content.size()) return defect("a string runs over its end");
    if (strings != nullptr) strings->push_back(content.substr(0, static_cast<size_t>(length)));
    content.remove_prefix(static_cast<size_t>(length));
  }
  if (!content.empty()) return defect(absl::StrCat(content.size(), " bytes are left over"));
  return absl::OkStatus();
}

absl::Status DecodeMessages(const Parts& parts, absl::string_view proto, uint64_t max_bytes, Tensor* tensor) {
  const uint64_t count = static_cast<uint64_t>(parts.num_elements);
  const uint32_t number = TypedFieldOf(parts.header.dtype).number;
  std::vector<absl::string_view>& strings = tensor->strings;
  WireReader reader(proto);
  WireField field;
  while (strings.size() < count && reader.Next(&field)) {
    if (field.number == number && field.type == WireType::kBytes) strings.push_back(field.bytes);
  }
  if (strings.size() == count) return absl::OkStatus();
  if (count > max_bytes / sizeof(absl::string_view)) return TooLarge(count, *tensor, max_bytes);
  const bool repeat = parts.header.dtype == DT_STRING && !strings.empty();
  strings.resize(static_cast<size_t>(count), repeat ? strings.back() : absl::string_view());
  return absl::OkStatus();
}

absl::Status CheckContentSize(const Parts& parts) {
  const uint64_t width = static_cast<uint64_t>(DataTypeBytes(parts.header.dtype));
  const uint64_t count = static_cast<uint64_t>(parts.num_elements);
  if (parts.content.size() % width != 0 || parts.content.size() / width != count) {
    return absl::InvalidArgumentError(absl::StrCat(parts.content.size(), " bytes of tensor_content, but ",
                                                   DataTypeEnumName(parts.header.dtype), " ",
                                                   ShapeText(parts.header.dims), " needs ", count,
                                                   " elements of ", width, width == 1 ? " byte" : " bytes"));
  }
  if (parts.header.dtype == DT_BOOL) {
    for (const char value : parts.content) {
      if (value != 0 && value != 1) {
        return absl::InvalidArgumentError(absl::StrCat("a DT_BOOL in tensor_content is neither 0 nor 1 but ",
                                                       static_cast<int>(static_cast<unsigned char>(value))));
      }
    }
  }
  return absl::OkStatus();
}

// Owns the bytes that a tensor shows.
void Own(std::string bytes, Tensor* tensor) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  tensor->bytes = *owner;
  tensor->owner = std::move(owner);
}

absl::Status DecodeNumbers(const Parts& parts, absl::string_view proto, uint64_t max_bytes, Tensor* tensor) {
  const TypedField field = TypedFieldOf(parts.header.dtype);
  const uint64_t width = static_cast<uint64_t>(DataTypeBytes(parts.header.dtype));
  const uint64_t count = static_cast<uint64_t>(parts.num_elements);
  absl::string_view in_place;
  std::string bytes;
  if (field.coding == Coding::kBytes) {
    in_place = parts.float8.substr(0, static_cast<size_t>(std::min<uint64_t>(count, parts.float8.size())));
  } else {
    NumberReader counter(parts.header.dtype, field);
    RETURN_IF_ERROR(counter.Read(proto, count, nullptr));
    in_place = counter.in_place();
    if (in_place.size() != counter.size()) {
      bytes.reserve(static_cast<size_t>(counter.size()));
      NumberReader reader(parts.header.dtype, field);
      RETURN_IF_ERROR(reader.Read(proto, count, &bytes));
      in_place = absl::string_view();
    }
  }
  if (!in_place.empty() && in_place.size() / width == count) {
    tensor->bytes = in_place;
    return absl::OkStatus();
  }
  if (count > max_bytes / width && std::max(in_place.size(), bytes.size()) / width < count) {
    return TooLarge(count, *tensor, max_bytes);
  }
  if (!in_place.empty()) bytes.assign(in_place.data(), in_place.size());
  Fill(static_cast<size_t>(width), static_cast<size_t>(count * width), &bytes);
  Own(std::move(bytes), tensor);
  return absl::OkStatus();
}

void AppendHeader(DataType dtype, absl::Span<const int64_t> dims, std::string* out) {
  std::string shape;
  for (const int64_t size : dims) {
    std::string dim;
    if (size != 0) AppendVarintField(kDimSize, static_cast<uint64_t>(size), &dim);
    AppendBytesField(kShapeDim, dim, &shape);
  }
  AppendVarintField(kDtype, static_cast<uint64_t>(dtype), out);
  AppendBytesField(kShape, shape, out);
}

bool UsesContent(DataType dtype, int64_t num_elements, TensorForm form) {
  if (num_elements < 2) return false;
  if (form == TensorForm::kTensorFlow1 && (dtype == DT_HALF || dtype == DT_BFLOAT16)) return false;
  return TypedFieldOf(dtype).content_when_several;
}

}  // namespace

int64_t Tensor::num_elements() const {
  int64_t product = 1;
  for (const int64_t dim : dims) product *= dim;
  return product;
}

Tensor Tensor::OfBytes(DataType dtype, std::vector<int64_t> dims, std::string bytes) {
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.dims = std::move(dims);
  Own(std::move(bytes), &tensor);
  return tensor;
}

Tensor Tensor::OfStrings(std::vector<int64_t> dims, std::vector<std::string> values) {
  Tensor tensor;
  tensor.dtype = DT_STRING;
  tensor.dims = std::move(dims);
  auto owner = std::make_shared<const std::vector<std::string>>(std::move(values));
  tensor.strings.assign(owner->begin(), owner->end());
  tensor.owner = std::move(owner);
  return tensor;
}

absl::StatusOr<int64_t> NumElements(absl::Span<const int64_t> dims) {
  int64_t product = 1;
  for (const int64_t dim : dims) {
    if (dim < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("the shape ", ShapeText(dims), " has a negative dimension"));
    }
    if (__builtin_mul_overflow(product, dim, &product)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the shape ", ShapeText(dims), " has more than 2^63 - 1 elements"));
    }
  }
  return product;
}

std::string ShapeText(absl::Span<const int64_t> dims) {
  return absl::StrCat("[", absl::StrJoin(dims, ","), "]");
}

absl::StatusOr<Tensor> DecodeTensorProto(absl::string_view proto, std::shared_ptr<const void> owner,
                                         uint64_t max_bytes) {
  ASSIGN_OR_RETURN(const Parts parts, ParseParts(proto));
  const DataType dtype = parts.header.dtype;
  if (dtype == DT_RESOURCE)
    return absl::UnimplementedError("the value of a DT_RESOURCE tensor cannot be read");
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.dims = parts.header.dims;
  tensor.owner = std::move(owner);
  if (parts.num_elements == 0) return tensor;
  const bool is_messages = TypedFieldOf(dtype).coding == Coding::kMessages;
  if (!parts.content.empty()) {
    if (is_messages) {
      RETURN_IF_ERROR(
          DecodeStringContent(parts.content, static_cast<uint64_t>(parts.num_elements), &tensor.strings));
    } else {
      RETURN_IF_ERROR(CheckContentSize(parts));
      tensor.bytes = parts.content;
    }
    return tensor;
  }
  RETURN_IF_ERROR(is_messages ? DecodeMessages(parts, proto, max_bytes, &tensor)
                              : DecodeNumbers(parts, proto, max_bytes, &tensor));
  return tensor;
}

absl::StatusOr<Tensor> DecodeTypedValues(DataType dtype, std::vector<int64_t> dims, absl::string_view proto,
                                         std::shared_ptr<const void> owner) {
  const TypedField typed = TypedFieldOf(dtype);
  if (typed.coding == Coding::kNone) {
    return absl::UnimplementedError(
        absl::StrCat("values of type ", DataTypeEnumName(dtype), " cannot be read"));
  }
  ASSIGN_OR_RETURN(const int64_t signed_count, NumElements(dims));
  const uint64_t count = static_cast<uint64_t>(signed_count);
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.dims = std::move(dims);
  tensor.owner = std::move(owner);
  WireReader reader(proto);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number != typed.number || field.type != WireType::kBytes) continue;
    if (typed.coding == Coding::kMessages) tensor.strings.push_back(field.bytes);
    if (typed.coding == Coding::kBytes) tensor.bytes = field.bytes;
  }
  if (!reader.ok()) return NotATensorProto(reader);
  const uint64_t width = static_cast<uint64_t>(DataTypeBytes(dtype));
  uint64_t found = typed.coding == Coding::kMessages ? tensor.strings.size() : tensor.bytes.size();
  if (typed.coding == Coding::kFixed || typed.coding == Coding::kVarint) {
    NumberReader counter(dtype, typed);
    RETURN_IF_ERROR(counter.Read(proto, count + 1, nullptr));
    found = counter.size() / width;
    tensor.bytes = counter.in_place();
    if (found == count && tensor.bytes.size() != counter.size()) {
      std::string bytes;
      bytes.reserve(static_cast<size_t>(counter.size()));
      RETURN_IF_ERROR(NumberReader(dtype, typed).Read(proto, count, &bytes));
      Own(std::move(bytes), &tensor);
    }
    if (counter.size() % width != 0) {
      return absl::InvalidArgumentError(absl::StrCat("a value of ", DataTypeEnumName(dtype), " is cut"));
    }
  }
  if (found != count) {
    return absl::InvalidArgumentError(
        absl::StrCat(found > count ? "there are more values" : "there are fewer values", " than the ", count,
                     " elements of ", DataTypeEnumName(dtype), " ", ShapeText(tensor.dims)));
  }
  return tensor;
}

absl::StatusOr<TensorHeader> DecodeTensorHeader(absl::string_view proto) {
  ASSIGN_OR_RETURN(Parts parts, ParseParts(proto));
  return std::move(parts.header);
}

absl::Status CheckTensorProto(absl::string_view proto) {
  ASSIGN_OR_RETURN(const Parts parts, ParseParts(proto));
  if (parts.num_elements == 0 || parts.header.dtype == DT_RESOURCE) return absl::OkStatus();
  const TypedField field = TypedFieldOf(parts.header.dtype);
  if (!parts.content.empty()) {
    if (field.coding != Coding::kMessages) return CheckContentSize(parts);
    return DecodeStringContent(parts.content, static_cast<uint64_t>(parts.num_elements), nullptr);
  }
  if (field.coding != Coding::kFixed && field.coding != Coding::kVarint) return absl::OkStatus();
  return NumberReader(parts.header.dtype, field)
      .Read(proto, static_cast<uint64_t>(parts.num_elements), nullptr);
}

absl::StatusOr<std::string> EncodeTensorProto(const Tensor& tensor, TensorForm form) {
  const TypedField field = TypedFieldOf(tensor.dtype);
  if (field.coding == Coding::kNone) {
    return absl::UnimplementedError(absl::StrCat("a tensor of type ", DataTypeEnumName(tensor.dtype),
                                                 " cannot be written as a TensorProto"));
  }
  ASSIGN_OR_RETURN(const int64_t count, NumElements(tensor.dims));
  std::string proto;
  if (field.coding == Coding::kMessages) {
    if (tensor.strings.size() != static_cast<uint64_t>(count)) {
      return absl::InvalidArgumentError(absl::StrCat("a tensor of shape ", ShapeText(tensor.dims), " has ",
                                                     tensor.strings.size(), " strings"));
    }
    AppendHeader(tensor.dtype, tensor.dims, &proto);
    for (const absl::string_view value : tensor.strings) AppendBytesField(field.number, value, &proto);
    return proto;
  }
  const size_t width = static_cast<size_t>(DataTypeBytes(tensor.dtype));
  if (tensor.bytes.size() % width != 0 || tensor.bytes.size() / width != static_cast<uint64_t>(count)) {
    return absl::InvalidArgumentError(absl::StrCat("a ", DataTypeEnumName(tensor.dtype), " tensor of shape ",
                                                   ShapeText(tensor.dims), " has ", tensor.bytes.size(),
                                                   " bytes"));
  }
  proto = TensorContentPrefix(tensor.dtype, tensor.dims, tensor.bytes.size(), form);
  if (!proto.empty()) {
    proto.append(tensor.bytes.data(), tensor.bytes.size());
    return proto;
  }
  AppendHeader(tensor.dtype, tensor.dims, &proto);
  std::string packed;
  for (size_t i = 0; i < tensor.bytes.size(); i += width) {
    uint64_t value = 0;
    std::memcpy(&value, tensor.bytes.data() + i, width);
    value =
        tensor.dtype == DT_BOOL ? value != 0 : Truncate(value, BitsOf(tensor.dtype), IsSigned(tensor.dtype));
    AppendVarint(value, &packed);
  }
  AppendBytesField(field.number, packed, &proto);
  return proto;
}

std::string TensorContentPrefix(DataType dtype, absl::Span<const int64_t> dims, uint64_t num_bytes,
                                TensorForm form) {
  const TypedField field = TypedFieldOf(dtype);
  const int width = DataTypeBytes(dtype);
  if (width == 0 || field.coding == Coding::kNone) return "";
  const int64_t count = static_cast<int64_t>(num_bytes / static_cast<uint64_t>(width));
  std::string prefix;
  if (count == 0) {
    AppendHeader(dtype, dims, &prefix);
  } else if (UsesContent(dtype, count, form)) {
    AppendHeader(dtype, dims, &prefix);
    AppendBytesHeader(kContent, num_bytes, &prefix);
  } else if (field.coding != Coding::kVarint) {  // The typed field holds the same bytes.
    AppendHeader(dtype, dims, &prefix);
    AppendBytesHeader(field.number, num_bytes, &prefix);
  }
  return prefix;
}

}  // namespace cryograph
