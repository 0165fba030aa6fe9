#include "checkpoint/npy.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/npy_header_text.h"
#include "checkpoint/stored_values.h"

namespace cryograph {
namespace {

constexpr absl::string_view kMagic("\x93NUMPY", 6);
constexpr uint64_t kAlignment = 64;
// numpy leaves room so that an array can grow along its first dimension in place.
constexpr size_t kGrowthDigits = 21;
// Elements are turned in pieces of about so many bytes.
constexpr size_t kTurnedBytes = 1 << 20;

struct NumpyType {
  DataType dtype;
  const char* descr;
};
constexpr NumpyType kNumpyTypes[] = {
    {DT_BOOL, "|b1"},  {DT_INT8, "|i1"},   {DT_UINT8, "|u1"},     {DT_INT16, "<i2"},       {DT_UINT16, "<u2"},
    {DT_INT32, "<i4"}, {DT_UINT32, "<u4"}, {DT_INT64, "<i8"},     {DT_UINT64, "<u8"},      {DT_HALF, "<f2"},
    {DT_FLOAT, "<f4"}, {DT_DOUBLE, "<f8"}, {DT_COMPLEX64, "<c8"}, {DT_COMPLEX128, "<c16"},
};

const char* DescrOf(DataType dtype) {
  for (const NumpyType& type : kNumpyTypes) {
    if (type.dtype == dtype) return type.descr;
  }
  return nullptr;
}

// "<f4" or ">f4" as a type; DT_INVALID if it is none of ours.
DataType TypeOfDescr(absl::string_view descr, bool* big_endian) {
  if (descr.size() < 2) return DT_INVALID;
  *big_endian = descr[0] == '>';
  if (descr == "?") return DT_BOOL;
  for (const NumpyType& type : kNumpyTypes) {
    if (descr.substr(1) == absl::string_view(type.descr).substr(1)) return type.dtype;
  }
  return DT_INVALID;
}

absl::Status UnknownType(absl::string_view descr) {
  std::string advice;
  const absl::string_view kind = descr.substr(std::min<size_t>(1, descr.size()), 1);
  if (kind == "O") {
    advice =
        "it holds Python objects, which are pickled, and running a pickle is running a program\n"
        "try: in Python, a.astype('S') for strings, or an array of numbers";
  } else if (kind == "V") {
    advice =
        "it is raw memory without a type, as bfloat16 of other libraries is saved\n"
        "try: in Python, a.view(numpy.uint16), or a.astype(numpy.float32)";
  } else {
    advice = "no tensor has that type\ntry: in Python, a.astype(numpy.float32) or another type";
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "its elements are of type '", absl::Utf8SafeCHexEscape(descr.substr(0, 100)), "': ", advice));
}

// Fills dtype, byte order and widths from what the header says of the elements.
absl::Status SetType(const NpyHeaderText& text, NpyHeader* header) {
  absl::string_view descr = text.descr;
  if (!text.field_name.empty()) {
    DataType named;
    const DataType bits = TypeOfDescr(descr, &header->big_endian);
    if (ParseDataType(text.field_name, &named) && !IsRefType(named) && bits != DT_INVALID &&
        NumpyStorageType(named) == bits) {
      header->dtype = named;
      return absl::OkStatus();
    }
    return UnknownType(absl::StrCat("[('", text.field_name, "', '", descr, "')]"));
  }
  header->dtype = TypeOfDescr(descr, &header->big_endian);
  if (header->dtype != DT_INVALID) return absl::OkStatus();
  uint64_t width;
  if (descr.size() >= 3 && (descr[1] == 'S' || descr[1] == 'U') &&
      absl::SimpleAtoi(descr.substr(2), &width) && width <= std::numeric_limits<uint32_t>::max()) {
    header->dtype = DT_STRING;
    header->utf32 = descr[1] == 'U';
    header->string_width = header->utf32 ? 4 * width : width;
    return absl::OkStatus();
  }
  return UnknownType(descr);
}

// Offset in elements, in Fortran order, of the element that is number `index` in C order.
class FortranWalk {
 public:
  explicit FortranWalk(const std::vector<int64_t>& dims) : dims_(dims), index_(dims.size(), 0) {
    uint64_t stride = 1;
    for (const int64_t dim : dims) {
      strides_.push_back(stride);
      stride *= static_cast<uint64_t>(dim);
    }
  }
  uint64_t Next() {
    const uint64_t at = offset_;
    for (size_t d = dims_.size(); d > 0; --d) {
      offset_ += strides_[d - 1];
      if (++index_[d - 1] < dims_[d - 1]) break;
      offset_ -= strides_[d - 1] * static_cast<uint64_t>(dims_[d - 1]);
      index_[d - 1] = 0;
    }
    return at;
  }

 private:
  const std::vector<int64_t>& dims_;
  std::vector<int64_t> index_;
  std::vector<uint64_t> strides_;
  uint64_t offset_ = 0;
};

// Fills memory that is large enough.
class MemorySink final : public ByteSink {
 public:
  explicit MemorySink(char* to) : to_(to) {}
  absl::Status Append(absl::string_view bytes) override {
    to_ = std::copy(bytes.begin(), bytes.end(), to_);
    return absl::OkStatus();
  }

 private:
  char* to_;
};

// Width of what changes places between byte orders.
size_t SwapWidth(const NpyHeader& header) {
  if (header.dtype == DT_STRING) return header.utf32 ? 4 : 1;
  const size_t width = static_cast<size_t>(DataTypeBytes(header.dtype));
  return header.dtype == DT_COMPLEX64 || header.dtype == DT_COMPLEX128 ? width / 2 : width;
}

absl::StatusOr<Tensor> StringValue(const NpyHeader& header, absl::string_view data,
                                   std::shared_ptr<const void> owner) {
  Tensor tensor;
  tensor.dtype = DT_STRING;
  tensor.dims = header.dims;
  const size_t count = static_cast<size_t>(tensor.num_elements()), width = header.string_width;
  tensor.strings.reserve(count);
  FortranWalk walk(header.dims);
  std::vector<std::string> converted;
  for (size_t i = 0; i < count; ++i) {
    const size_t at = header.fortran_order ? static_cast<size_t>(walk.Next()) : i;
    absl::string_view text = data.substr(at * width, width);
    if (!header.utf32) {
      while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
      tensor.strings.push_back(text);
      continue;
    }
    std::string utf8;
    size_t zeros = 0;  // Only those at the end are filling.
    for (size_t c = 0; c + 4 <= text.size(); c += 4) {
      uint32_t code = LoadFixed32(text.data() + c);
      if (header.big_endian) code = __builtin_bswap32(code);
      if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        return absl::DataLossError(
            absl::StrCat("element ", i, " has the code point ", code, ", which is none"));
      }
      if (code == 0) {
        ++zeros;
        continue;
      }
      utf8.append(zeros, '\0');
      zeros = 0;
      AppendUtf8(code, &utf8);
    }
    converted.push_back(std::move(utf8));
  }
  if (header.utf32) return Tensor::OfStrings(header.dims, std::move(converted));
  tensor.owner = std::move(owner);
  return tensor;
}

// The width of the elements of strings, at least 1 as numpy has it.
absl::StatusOr<uint64_t> StringWidth(const Tensor& value) {
  uint64_t width = 1;
  for (size_t i = 0; i < value.strings.size(); ++i) {
    const absl::string_view text = value.strings[i];
    if (absl::EndsWith(text, absl::string_view("\0", 1))) {
      return absl::InvalidArgumentError(absl::StrCat("element ", i,
                                                     " ends with a zero byte, which strings of a fixed "
                                                     "width, all that numpy has without pickling, lose\n"
                                                     "try: leave it out"));
    }
    width = std::max<uint64_t>(width, text.size());
  }
  if (!value.strings.empty() && width > (uint64_t{1} << 40) / std::max<uint64_t>(1, value.strings.size())) {
    return absl::InvalidArgumentError(absl::StrCat(value.strings.size(),
                                                   " strings of the width of the longest, ", width,
                                                   " bytes, would be over 1 TB\ntry: leave it out"));
  }
  return width;
}

absl::Status CheckWritable(DataType dtype, ForeignTypes foreign) {
  const DataType storage = NumpyStorageType(dtype);
  if (storage == DT_INVALID && dtype != DT_STRING) {
    return absl::UnimplementedError(
        absl::StrCat("type ", DataTypeEnumName(dtype), " has no form in numpy\ntry: leave it out"));
  }
  if (storage != dtype && dtype != DT_STRING && foreign == ForeignTypes::kRefuse) {
    return absl::UnimplementedError(absl::StrCat(
        "numpy does not know the type ", DataTypeName(dtype),
        "\ntry: --foreign_types=keep stores its bits and the name of the type, =bits the bits alone"));
  }
  return absl::OkStatus();
}

NpyHeader HeaderOf(const TensorSource& value) {
  NpyHeader header;
  header.dtype = value.dtype();
  header.dims = value.dims();
  return header;
}

}  // namespace

DataType NumpyStorageType(DataType dtype) {
  if (DescrOf(dtype) != nullptr) return dtype;
  switch (dtype) {
    case DT_QINT8:
    case DT_INT4:
    case DT_INT2:
      return DT_INT8;
    case DT_QUINT8:
    case DT_UINT4:
    case DT_UINT2:
      return DT_UINT8;
    case DT_QINT16:
      return DT_INT16;
    case DT_QUINT16:
    case DT_BFLOAT16:
      return DT_UINT16;
    case DT_QINT32:
      return DT_INT32;
    default:
      return DataTypeBytes(dtype) == 1 ? DT_UINT8 : DT_INVALID;
  }
}

uint64_t NpyHeader::element_bytes() const {
  return dtype == DT_STRING ? string_width : static_cast<uint64_t>(DataTypeBytes(dtype));
}

uint64_t NpyHeader::data_bytes() const {
  uint64_t size = element_bytes();
  for (const int64_t dim : dims) size *= static_cast<uint64_t>(dim);
  return size;
}

std::string NpyHeaderBytes(const NpyHeader& header, ForeignTypes foreign) {
  std::string descr;
  if (header.dtype == DT_STRING) {
    descr = absl::StrCat("'|S", header.string_width, "'");
  } else {
    const DataType storage = NumpyStorageType(header.dtype);
    descr = absl::StrCat("'", DescrOf(storage), "'");
    if (storage != header.dtype && foreign == ForeignTypes::kKeep) {
      descr = absl::StrCat("[('", DataTypeName(header.dtype), "', ", descr, ")]");
    }
  }
  const std::string shape =
      absl::StrCat("(", absl::StrJoin(header.dims, ", "), header.dims.size() == 1 ? ",)" : ")");
  std::string text = absl::StrCat("{'descr': ", descr, ", 'fortran_order': False, 'shape': ", shape, ", }");
  if (!header.dims.empty()) text.append(kGrowthDigits - absl::StrCat(header.dims[0]).size(), ' ');
  const size_t prefix = kMagic.size() + 2 + 2;
  const bool large = text.size() + 1 + prefix + kAlignment > 65535;
  const size_t all = prefix + (large ? 2 : 0) + text.size() + 1;
  text.append((kAlignment - all % kAlignment) % kAlignment, ' ');
  text += '\n';
  std::string bytes(kMagic);
  bytes += large ? '\2' : '\1';
  bytes += '\0';
  std::string length;
  AppendFixed32(static_cast<uint32_t>(text.size()), &length);
  return absl::StrCat(bytes, length.substr(0, large ? 4 : 2), text);
}

uint64_t NpyHeaderSize(absl::string_view first) {
  if (first.size() < 12 || !absl::StartsWith(first, kMagic)) return 0;
  const uint64_t size = LoadFixed32(first.data() + 8);
  return first[6] == 1 ? 10 + (size & 0xffff) : 12 + size;
}

absl::StatusOr<NpyHeader> ParseNpyHeader(absl::string_view bytes) {
  if (!absl::StartsWith(bytes, kMagic)) return absl::InvalidArgumentError("it is no .npy file");
  NpyHeader header;
  header.header_bytes = NpyHeaderSize(bytes);
  if (header.header_bytes == 0 || header.header_bytes > bytes.size()) {
    return absl::DataLossError("the header of the array is cut");
  }
  if (bytes[6] < 1 || bytes[6] > 3) {
    return absl::InvalidArgumentError(absl::StrCat("it is of version ", static_cast<int>(bytes[6]),
                                                   " of the .npy format; 1 to 3 are known"));
  }
  const size_t begin = bytes[6] == 1 ? 10 : 12;
  NpyHeaderText text;
  RETURN_IF_ERROR(
      ParseNpyHeaderText(bytes.substr(begin, static_cast<size_t>(header.header_bytes) - begin), &text));
  RETURN_IF_ERROR(SetType(text, &header));
  header.fortran_order = text.fortran_order && text.dims.size() > 1;
  header.dims = std::move(text.dims);
  const absl::StatusOr<int64_t> count = NumElements(header.dims);
  if (!count.ok()) return absl::DataLossError(count.status().message());
  if (header.element_bytes() != 0 &&
      static_cast<uint64_t>(*count) > std::numeric_limits<int64_t>::max() / header.element_bytes()) {
    return absl::DataLossError("the array has more bytes than 63 bits can count");
  }
  // Nothing else bounds how many empty strings there are.
  if (header.element_bytes() == 0 && *count > 0) {
    return absl::DataLossError("the array has elements of no bytes");
  }
  return header;
}

bool IsNpyAsInMemory(const NpyHeader& header) {
  return header.dtype != DT_STRING && !header.fortran_order && (!header.big_endian || SwapWidth(header) == 1);
}

absl::StatusOr<Tensor> NpyValue(const NpyHeader& header, absl::string_view data,
                                std::shared_ptr<const void> owner) {
  if (header.dtype == DT_STRING) return StringValue(header, data, std::move(owner));
  Tensor tensor;
  tensor.dtype = header.dtype;
  tensor.dims = header.dims;
  tensor.bytes = data;
  tensor.owner = std::move(owner);
  if (IsNpyAsInMemory(header) || data.empty()) return tensor;
  ASSIGN_OR_RETURN(const std::shared_ptr<char> turned, AllocateBytes(data.size()));
  MemorySink sink(turned.get());
  RETURN_IF_ERROR(WriteNpyElements(header, data, sink));
  tensor.bytes = absl::string_view(turned.get(), data.size());
  tensor.owner = turned;
  return tensor;
}

absl::Status WriteNpyElements(const NpyHeader& header, absl::string_view data, ByteSink& sink) {
  if (IsNpyAsInMemory(header)) return sink.Append(data);
  const size_t width = static_cast<size_t>(header.element_bytes()), swap = SwapWidth(header);
  FortranWalk walk(header.dims);
  std::string turned;
  for (size_t i = 0; i < data.size() / width; ++i) {
    const char* const from =
        data.data() + width * (header.fortran_order ? static_cast<size_t>(walk.Next()) : i);
    if (!header.big_endian) {
      turned.append(from, width);
    } else {
      for (size_t k = 0; k < width; k += swap) {
        for (size_t b = swap; b > 0; --b) turned += from[k + b - 1];
      }
    }
    if (turned.size() < kTurnedBytes) continue;
    RETURN_IF_ERROR(sink.Append(turned));
    turned.clear();
  }
  return sink.Append(turned);
}

absl::StatusOr<uint64_t> NpySize(const TensorSource& value, ForeignTypes foreign) {
  RETURN_IF_ERROR(CheckWritable(value.dtype(), foreign));
  NpyHeader header = HeaderOf(value);
  if (value.dtype() == DT_STRING) {
    ASSIGN_OR_RETURN(const Tensor tensor, value.Load());
    ASSIGN_OR_RETURN(header.string_width, StringWidth(tensor));
  }
  return NpyHeaderBytes(header, foreign).size() + header.data_bytes();
}

absl::Status WriteNpy(const TensorSource& value, ForeignTypes foreign, ByteSink& sink) {
  RETURN_IF_ERROR(CheckWritable(value.dtype(), foreign));
  NpyHeader header = HeaderOf(value);
  if (value.dtype() != DT_STRING) {
    RETURN_IF_ERROR(sink.Append(NpyHeaderBytes(header, foreign)));
    return value.Write(sink);
  }
  ASSIGN_OR_RETURN(const Tensor tensor, value.Load());
  ASSIGN_OR_RETURN(header.string_width, StringWidth(tensor));
  RETURN_IF_ERROR(sink.Append(NpyHeaderBytes(header, foreign)));
  const std::string zeros(4096, '\0');
  for (const absl::string_view text : tensor.strings) {
    RETURN_IF_ERROR(sink.Append(text));
    for (uint64_t left = header.string_width - text.size(); left > 0;) {
      const size_t take = static_cast<size_t>(std::min<uint64_t>(left, zeros.size()));
      RETURN_IF_ERROR(sink.Append(absl::string_view(zeros).substr(0, take)));
      left -= take;
    }
  }
  return absl::OkStatus();
}

}  // namespace cryograph
