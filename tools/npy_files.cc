#include "tools/npy_files.h"

#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/wire.h"

namespace cryograph {
namespace {

struct NamedType {
  DataType dtype;
  const char* name;
};
constexpr NamedType kTypes[] = {
    {DT_FLOAT, "<f4"},  {DT_DOUBLE, "<f8"}, {DT_HALF, "<f2"},      {DT_INT8, "|i1"},       {DT_INT16, "<i2"},
    {DT_INT32, "<i4"},  {DT_INT64, "<i8"},  {DT_UINT8, "|u1"},     {DT_UINT16, "<u2"},     {DT_UINT32, "<u4"},
    {DT_UINT64, "<u8"}, {DT_BOOL, "|b1"},   {DT_COMPLEX64, "<c8"}, {DT_COMPLEX128, "<c16"}};

uint16_t Load16(const char* bytes) {
  uint16_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// What stands in the header's dictionary behind `key`, up to `end`.
absl::string_view Entry(absl::string_view header, absl::string_view key, char end) {
  const size_t at = header.find(absl::StrCat("'", key, "'"));
  if (at == absl::string_view::npos) return "";
  const size_t colon = header.find(':', at);
  if (colon == absl::string_view::npos) return "";
  const size_t stop = header.find(end, colon);
  return absl::StripAsciiWhitespace(
      header.substr(colon + 1, stop == absl::string_view::npos ? stop : stop - colon - 1));
}

absl::Status Damaged(absl::string_view why) {
  return absl::DataLossError(absl::StrCat("a damaged numpy file: ", why));
}

}  // namespace

absl::StatusOr<Tensor> ParseNpy(absl::string_view bytes, std::shared_ptr<const void> owner) {
  if (bytes.size() < 12 || !absl::StartsWith(bytes, "\x93NUMPY"))
    return Damaged("it does not begin like one");
  const bool old = bytes[6] == 1;
  const uint64_t length = old ? Load16(bytes.data() + 8) : LoadFixed32(bytes.data() + 8);
  const uint64_t begin = old ? 10 : 12;
  if (length > bytes.size() - begin) return Damaged("its header is cut");
  const absl::string_view header = bytes.substr(begin, length);
  absl::string_view data = bytes.substr(begin + length);
  Tensor tensor;
  absl::string_view descr = Entry(header, "descr", ',');
  descr = absl::StripSuffix(absl::StripPrefix(descr, "'"), "'");
  for (const NamedType& type : kTypes) {
    if (descr == type.name) tensor.dtype = type.dtype;
  }
  if (tensor.dtype == DT_INVALID) {
    return absl::InvalidArgumentError(absl::StrCat("numpy type '", descr, "' is not read"));
  }
  if (!absl::StartsWith(Entry(header, "fortran_order", ','), "False")) {
    return absl::InvalidArgumentError(
        "the array is in Fortran order; numpy.ascontiguousarray() makes it one in C order");
  }
  absl::string_view shape = Entry(header, "shape", ')');
  if (!absl::ConsumePrefix(&shape, "(")) return Damaged("it does not say its shape");
  for (absl::string_view part : absl::StrSplit(shape, ',')) {
    part = absl::StripAsciiWhitespace(part);
    if (part.empty()) continue;
    if (!absl::SimpleAtoi(part, &tensor.dims.emplace_back())) return Damaged("its shape is garbled");
  }
  ASSIGN_OR_RETURN(const int64_t count, NumElements(tensor.dims));
  if (static_cast<uint64_t>(count) != data.size() / DataTypeBytes(tensor.dtype)) {
    return Damaged(absl::StrCat(data.size(), " bytes for the shape ", ShapeText(tensor.dims)));
  }
  tensor.bytes = data.substr(0, static_cast<uint64_t>(count) * DataTypeBytes(tensor.dtype));
  tensor.owner = std::move(owner);
  return tensor;
}

absl::StatusOr<std::vector<std::pair<std::string, absl::string_view>>> ListNpz(absl::string_view bytes) {
  constexpr size_t kEndSize = 22, kEntrySize = 46, kLocalSize = 30;
  const size_t end = bytes.rfind(absl::string_view("PK\x05\x06", 4));
  if (end == absl::string_view::npos || bytes.size() - end < kEndSize) return Damaged("it is no zip archive");
  size_t at = LoadFixed32(bytes.data() + end + 16);
  const int count = Load16(bytes.data() + end + 10);
  std::vector<std::pair<std::string, absl::string_view>> arrays;
  for (int i = 0; i < count; ++i) {
    if (at > bytes.size() || bytes.size() - at < kEntrySize || LoadFixed32(bytes.data() + at) != 0x02014b50) {
      return Damaged("its directory is garbled");
    }
    const char* const entry = bytes.data() + at;
    const uint64_t size = LoadFixed32(entry + 24), local = LoadFixed32(entry + 42);
    const size_t name_size = Load16(entry + 28);
    const size_t entry_size = kEntrySize + name_size + Load16(entry + 30) + Load16(entry + 32);
    if (bytes.size() - at < entry_size) return Damaged("its directory is cut");
    const std::string name(absl::StripSuffix(absl::string_view(entry + kEntrySize, name_size), ".npy"));
    if (Load16(entry + 10) != 0) {
      return absl::UnimplementedError(
          absl::StrCat("array '", name, "' is compressed; numpy.savez() writes it plain"));
    }
    if (size == 0xffffffff || local == 0xffffffff) return absl::UnimplementedError("a .npz file past 4 GB");
    if (local > bytes.size() || bytes.size() - local < kLocalSize)
      return Damaged("an array lies behind its end");
    const uint64_t data =
        local + kLocalSize + Load16(bytes.data() + local + 26) + Load16(bytes.data() + local + 28);
    if (data > bytes.size() || bytes.size() - data < size)
      return Damaged(absl::StrCat("array '", name, "' is cut"));
    arrays.emplace_back(name, bytes.substr(data, size));
    at += entry_size;
  }
  return arrays;
}

std::string NpyHeader(DataType dtype, absl::Span<const int64_t> dims) {
  std::string shape;
  for (int64_t dim : dims) absl::StrAppend(&shape, shape.empty() ? "" : " ", dim, ",");
  if (dims.size() > 1) shape.pop_back();
  for (const NamedType& type : kTypes) {
    if (type.dtype != dtype) continue;
    std::string text =
        absl::StrCat("{'descr': '", type.name, "', 'fortran_order': False, 'shape': (", shape, "), }");
    constexpr size_t kAlignment = 64, kPrefix = 10;
    text.append(kAlignment - 1 - (kPrefix + text.size()) % kAlignment, ' ');
    text += '\n';
    std::string header = "\x93NUMPY";
    header += '\x01';
    header += '\0';
    header += static_cast<char>(text.size() & 0xff);
    header += static_cast<char>(text.size() >> 8);
    return header + text;
  }
  return "";
}

}  // namespace cryograph
