// safetensors: a JSON header, then the tensors' bytes one behind the other.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/array_files.h"
#include "checkpoint/array_files_internal.h"
#include "checkpoint/array_reader.h"
#include "checkpoint/safetensors_header.h"

namespace cryograph {
namespace {

// The original reads no longer header.
constexpr uint64_t kMaxHeaderBytes = 100000000;
// Metadata "tensorflow_dtype:NAME": the type whose bits a tensor holds.
constexpr absl::string_view kTypeKey = "tensorflow_dtype:";

struct SafeType {
  DataType dtype;
  const char* name;
};
// In the order in which the original knows them: it writes the last ones first.
constexpr SafeType kSafeTypes[] = {
    {DT_BOOL, "BOOL"},
    {DT_UINT8, "U8"},
    {DT_INT8, "I8"},
    {DT_FLOAT8_E5M2, "F8_E5M2"},
    {DT_FLOAT8_E4M3FN, "F8_E4M3"},
    {DT_INT16, "I16"},
    {DT_UINT16, "U16"},
    {DT_HALF, "F16"},
    {DT_BFLOAT16, "BF16"},
    {DT_INT32, "I32"},
    {DT_UINT32, "U32"},
    {DT_FLOAT, "F32"},
    {DT_COMPLEX64, "C64"},
    {DT_DOUBLE, "F64"},
    {DT_INT64, "I64"},
    {DT_UINT64, "U64"},
};

int RankOf(DataType dtype) {
  for (size_t i = 0; i < std::size(kSafeTypes); ++i) {
    if (kSafeTypes[i].dtype == dtype) return static_cast<int>(i);
  }
  return -1;
}

// The type that a tensor is stored as.
absl::StatusOr<DataType> StorageOf(DataType dtype, ForeignTypes foreign) {
  if (RankOf(dtype) >= 0) return dtype;
  const DataType bits = dtype == DT_COMPLEX128 ? DT_INVALID : NumpyStorageType(dtype);
  if (bits == DT_INVALID) {
    return absl::UnimplementedError(absl::StrCat(
        "safetensors cannot hold ", DataTypeName(dtype),
        dtype == DT_STRING ? "s\ntry: --strings=skip leaves tensors of strings out" : "\ntry: leave it out"));
  }
  if (foreign == ForeignTypes::kRefuse) {
    return absl::UnimplementedError(absl::StrCat(
        "safetensors does not know the type ", DataTypeName(dtype),
        "\ntry: --foreign_types=keep stores its bits and the name of the type, =bits the bits alone"));
  }
  return bits;
}

absl::Status Plan(const std::string& path, absl::Span<const NamedSource> arrays,
                  const ArrayFileOptions& options, SafetensorsHeader* header,
                  std::vector<const NamedSource*>* order) {
  std::map<std::string, std::string> metadata(options.metadata.begin(), options.metadata.end());
  std::vector<std::pair<int, const NamedSource*>> ranked;
  for (const NamedSource& array : arrays) {
    const DataType dtype = array.value->dtype();
    const absl::StatusOr<DataType> storage = StorageOf(dtype, options.foreign);
    RETURN_IF_ERROR(OfArray(path, array.name, storage.status()));
    if (!IsUtf8(array.name) || array.name == "__metadata__") {
      return OfArray(
          path, array.name,
          absl::InvalidArgumentError("that cannot be a name in a safetensors file\ntry: rename it"));
    }
    if (*storage != dtype && options.foreign == ForeignTypes::kKeep)
      metadata[absl::StrCat(kTypeKey, array.name)] = DataTypeName(dtype);
    ranked.emplace_back(RankOf(*storage), &array);
  }
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second->name < b.second->name;
  });
  header->metadata.assign(metadata.begin(), metadata.end());
  uint64_t offset = 0;
  for (const auto& [rank, array] : ranked) {
    SafetensorsEntry entry;
    entry.name = array->name;
    entry.dtype = kSafeTypes[rank].name;
    entry.dims = array->value->dims();
    entry.begin = offset;
    offset += array->value->num_bytes();
    entry.end = offset;
    header->tensors.push_back(std::move(entry));
    order->push_back(array);
  }
  return absl::OkStatus();
}

DataType TypeNamed(absl::string_view name) {
  for (const SafeType& type : kSafeTypes) {
    if (name == type.name) return type.dtype;
  }
  return DT_INVALID;
}

absl::StatusOr<ArrayReader::Array> ArrayOf(const SafetensorsEntry& entry, absl::string_view bytes,
                                           const std::map<std::string, std::string>& metadata) {
  ArrayReader::Array array;
  array.name = entry.name;
  array.type.dtype = TypeNamed(entry.dtype);
  array.type.dims = entry.dims;
  if (array.type.dtype == DT_INVALID) {
    return absl::InvalidArgumentError(
        absl::StrCat("it has the type '", absl::Utf8SafeCHexEscape(entry.dtype), "', which is not known"));
  }
  const auto kept = metadata.find(absl::StrCat(kTypeKey, entry.name));
  DataType named;
  if (kept != metadata.end() && ParseDataType(kept->second, &named) && !IsRefType(named) &&
      NumpyStorageType(named) == array.type.dtype) {
    array.type.dtype = named;
  }
  const absl::StatusOr<int64_t> count = NumElements(entry.dims);
  if (!count.ok()) return absl::DataLossError(count.status().message());
  const uint64_t width = static_cast<uint64_t>(DataTypeBytes(array.type.dtype));
  if (entry.begin > entry.end || entry.end > bytes.size()) {
    return absl::DataLossError(absl::StrCat("its bytes ", entry.begin, " to ", entry.end,
                                            " reach out of the ", bytes.size(), " that follow the header"));
  }
  const uint64_t size = entry.end - entry.begin;
  if (size % width != 0 || size / width != static_cast<uint64_t>(*count)) {
    return absl::DataLossError(absl::StrCat("it has ", size, " bytes, which is not what ", entry.dtype, " ",
                                            ShapeText(entry.dims), " needs"));
  }
  return array;
}

// The format wants every byte to belong to one tensor.
absl::Status CheckNoGaps(std::vector<SafetensorsEntry> tensors, uint64_t size) {
  std::sort(tensors.begin(), tensors.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t at = 0;
  for (const SafetensorsEntry& entry : tensors) {
    if (entry.begin != at) {
      return absl::DataLossError(absl::StrCat("tensor '", absl::Utf8SafeCHexEscape(entry.name),
                                              "' begins at ", entry.begin, ", but the one before ends at ",
                                              at));
    }
    at = entry.end;
  }
  if (at == size) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("the tensors have ", at, " bytes, but ", size, " follow the header"));
}

}  // namespace

absl::Status WriteSafetensors(const std::string& path, absl::Span<const NamedSource> arrays,
                              const ArrayFileOptions& options) {
  SafetensorsHeader header;
  std::vector<const NamedSource*> order;
  RETURN_IF_ERROR(Plan(path, arrays, options, &header, &order));
  const std::string bytes = SafetensorsHeaderBytes(header);
  if (bytes.size() - sizeof(uint64_t) > kMaxHeaderBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": the header would have ", bytes.size(),
                                                   " bytes, and no reader takes more than ",
                                                   kMaxHeaderBytes));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> file, FileSink::Create(path));
  RETURN_IF_ERROR(file->Append(bytes));
  ProgressOfArrays progress(arrays, options);
  for (const NamedSource* array : order) {
    RETURN_IF_ERROR(array->value->Write(*file));
    progress.Done(*array);
  }
  return file->Commit();
}

absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenSafetensors(std::shared_ptr<const MappedFile> file) {
  const auto fail = [&](const absl::Status& status) {
    return absl::Status(status.code(), absl::StrCat(file->path(), ": ", status.message()));
  };
  const absl::string_view all = file->bytes();
  const uint64_t header_bytes = all.size() < sizeof(uint64_t) ? 0 : LoadFixed64(all.data());
  if (header_bytes == 0 || header_bytes > kMaxHeaderBytes || header_bytes > all.size() - sizeof(uint64_t)) {
    return fail(absl::DataLossError(absl::StrCat(
        "the file is cut, or no safetensors file: its header would have ", header_bytes, " bytes")));
  }
  const absl::StatusOr<SafetensorsHeader> header =
      ParseSafetensorsHeader(all.substr(sizeof(uint64_t), static_cast<size_t>(header_bytes)));
  if (!header.ok()) return fail(header.status());
  const absl::string_view bytes = all.substr(sizeof(uint64_t) + static_cast<size_t>(header_bytes));
  const std::map<std::string, std::string> metadata(header->metadata.begin(), header->metadata.end());
  std::vector<ArrayReader::Array> arrays;
  for (const SafetensorsEntry& entry : header->tensors) {
    absl::StatusOr<ArrayReader::Array> array = ArrayOf(entry, bytes, metadata);
    if (!array.ok()) {
      return fail(absl::Status(
          array.status().code(),
          absl::StrCat("tensor '", absl::Utf8SafeCHexEscape(entry.name), "': ", array.status().message())));
    }
    const absl::string_view value =
        bytes.substr(static_cast<size_t>(entry.begin), static_cast<size_t>(entry.end - entry.begin));
    array->bytes = std::make_shared<MappedBytes>(file, value);
    array->part.file = file->path();
    array->part.offset = static_cast<int64_t>(sizeof(uint64_t) + header_bytes + entry.begin);
    array->part.num_bytes = value.size();
    arrays.push_back(*std::move(array));
  }
  if (const absl::Status gaps = CheckNoGaps(header->tensors, bytes.size()); !gaps.ok()) return fail(gaps);
  ASSIGN_OR_RETURN(std::unique_ptr<ArrayReader> reader, ArrayReader::Create(file->path(), std::move(arrays)));
  return reader;
}

absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenSafetensors(const std::string& path) {
  ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  return OpenSafetensors(std::move(file));
}

}  // namespace cryograph
