#include "checkpoint/stored_values.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/crc32c.h"

namespace cryograph {
namespace {

constexpr uint64_t kChecksumBytes = 4;

// Bytes that change places between byte orders: complex numbers are two of half the size.
size_t SwapWidth(DataType dtype) {
  const size_t width = static_cast<size_t>(DataTypeBytes(dtype));
  return dtype == DT_COMPLEX64 || dtype == DT_COMPLEX128 ? width / 2 : width;
}

// Checksums in a big-endian file run over big-endian numbers.
uint32_t ExtendWithNumber(uint32_t crc, uint64_t number, size_t width, bool big_endian) {
  char bytes[sizeof(number)];
  for (size_t i = 0; i < width; ++i) {
    bytes[big_endian ? width - 1 - i : i] = static_cast<char>(number >> (8 * i));
  }
  return ExtendCrc32c(crc, absl::string_view(bytes, width));
}

uint32_t LoadChecksum(absl::string_view bytes, bool big_endian) {
  const uint32_t value = LoadFixed32(bytes.data());
  return big_endian ? __builtin_bswap32(value) : value;
}

absl::Status CheckCrc(uint32_t actual, uint32_t masked, absl::string_view of) {
  const uint32_t expected = UnmaskCrc(masked);
  if (actual == expected) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(of, " have the ", ChecksumDefect(actual, expected)));
}

// varint lengths | checksum of the lengths | the strings.
absl::Status ReadStrings(uint64_t count, const StoredBytes& stored, Tensor* tensor) {
  // An empty tensor may also be stored as nothing at all.
  if (count == 0 && stored.bytes.empty()) return CheckCrc(0, stored.masked_crc, "its bytes");
  absl::string_view rest = stored.bytes;
  std::vector<uint64_t> lengths(static_cast<size_t>(count));
  uint64_t total = 0;
  uint32_t crc = 0;
  for (uint64_t& length : lengths) {
    if (!ReadVarint(&rest, &length)) return absl::DataLossError("the length of a string is cut");
    // None is longer than what is left of the file, so the sum cannot wrap.
    if (length > stored.bytes.size() - total)
      return absl::DataLossError("its strings are longer than its bytes");
    total += length;
    constexpr uint64_t kMax32 = std::numeric_limits<uint32_t>::max();
    crc = ExtendWithNumber(crc, length, length <= kMax32 ? 4 : 8, stored.big_endian);
  }
  if (rest.size() < kChecksumBytes) return absl::DataLossError("the checksum of its lengths is cut");
  RETURN_IF_ERROR(CheckCrc(crc, LoadChecksum(rest, stored.big_endian), "the lengths of its strings"));
  crc = ExtendCrc32c(crc, rest.substr(0, kChecksumBytes));
  rest.remove_prefix(kChecksumBytes);
  if (rest.size() != total) {
    return absl::DataLossError(
        absl::StrCat("its strings have ", total, " bytes, but ", rest.size(), " are stored"));
  }
  RETURN_IF_ERROR(CheckCrc(ExtendCrc32c(crc, rest), stored.masked_crc, "its bytes"));
  tensor->strings.reserve(lengths.size());
  for (const uint64_t length : lengths) {
    tensor->strings.push_back(rest.substr(0, static_cast<size_t>(length)));
    rest.remove_prefix(static_cast<size_t>(length));
  }
  return absl::OkStatus();
}

// For each element: varint length | message | checksum of all so far.
absl::Status ReadVariants(uint64_t count, const StoredBytes& stored, Tensor* tensor) {
  if (stored.big_endian) {
    return absl::UnimplementedError("variants of a big-endian checkpoint cannot be read");
  }
  absl::string_view rest = stored.bytes;
  uint32_t crc = 0;
  tensor->strings.reserve(static_cast<size_t>(count));
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t length;
    if (!ReadVarint(&rest, &length) || rest.size() < kChecksumBytes ||
        length > rest.size() - kChecksumBytes) {
      return absl::DataLossError(absl::StrCat("its element ", i, " is cut"));
    }
    crc = ExtendWithNumber(crc, length, 8, false);
    const absl::string_view message = rest.substr(0, static_cast<size_t>(length));
    rest.remove_prefix(message.size());
    crc = ExtendCrc32c(crc, message);
    RETURN_IF_ERROR(CheckCrc(crc, LoadChecksum(rest, false), absl::StrCat("the bytes up to element ", i)));
    crc = ExtendCrc32c(crc, rest.substr(0, kChecksumBytes));
    rest.remove_prefix(kChecksumBytes);
    tensor->strings.push_back(message);
  }
  if (!rest.empty()) return absl::DataLossError(absl::StrCat(rest.size(), " bytes follow its last element"));
  return CheckCrc(crc, stored.masked_crc, "its bytes");
}

}  // namespace

std::string ChecksumDefect(uint32_t actual, uint32_t expected) {
  return absl::StrCat("checksum ", absl::Hex(actual, absl::kZeroPad8), " instead of ",
                      absl::Hex(expected, absl::kZeroPad8));
}

absl::StatusOr<std::shared_ptr<char>> AllocateBytes(uint64_t size) {
  char* const bytes = size > std::numeric_limits<ptrdiff_t>::max() ? nullptr : new (std::nothrow) char[size];
  if (bytes == nullptr)
    return absl::ResourceExhaustedError(absl::StrCat("there is no memory for ", size, " bytes"));
  return std::shared_ptr<char>(bytes, std::default_delete<char[]>());
}

bool IsStoredAsInMemory(DataType dtype, bool big_endian) {
  return DataTypeBytes(dtype) != 0 && (!big_endian || SwapWidth(dtype) == 1);
}

absl::Status CheckStoredSize(DataType dtype, uint64_t count, uint64_t size) {
  const uint64_t width = static_cast<uint64_t>(DataTypeBytes(dtype));
  if (width != 0) {
    if (size % width == 0 && size / width == count) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat(size, " bytes are stored for ", count, " elements of ", width,
                                            width == 1 ? " byte" : " bytes"));
  }
  if (dtype == DT_STRING) {
    if (count == 0 && (size == 0 || size == kChecksumBytes)) return absl::OkStatus();
    if (size >= kChecksumBytes && count <= size - kChecksumBytes) return absl::OkStatus();
  } else if (count <= size / (1 + kChecksumBytes)) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrCat(size, " bytes are stored, too few for ", count, " elements of ", DataTypeEnumName(dtype)));
}

absl::StatusOr<Tensor> ReadStoredValue(DataType dtype, std::vector<int64_t> dims, uint64_t count,
                                       const StoredBytes& stored) {
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.dims = std::move(dims);
  tensor.owner = stored.owner;
  if (dtype == DT_STRING) {
    RETURN_IF_ERROR(ReadStrings(count, stored, &tensor));
    return tensor;
  }
  if (dtype == DT_VARIANT) {
    RETURN_IF_ERROR(ReadVariants(count, stored, &tensor));
    return tensor;
  }
  RETURN_IF_ERROR(CheckCrc(Crc32c(stored.bytes), stored.masked_crc, "its bytes"));
  tensor.bytes = stored.bytes;
  if (IsStoredAsInMemory(dtype, stored.big_endian)) return tensor;
  ASSIGN_OR_RETURN(const std::shared_ptr<char> swapped, AllocateBytes(stored.bytes.size()));
  const size_t width = SwapWidth(dtype);
  for (size_t i = 0; i < stored.bytes.size(); i += width) {
    std::reverse_copy(stored.bytes.data() + i, stored.bytes.data() + i + width, swapped.get() + i);
  }
  tensor.bytes = absl::string_view(swapped.get(), stored.bytes.size());
  tensor.owner = swapped;
  return tensor;
}

}  // namespace cryograph
