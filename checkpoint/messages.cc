#include "checkpoint/messages.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/wire.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

constexpr int32_t kOurVersion = 1;
constexpr size_t kMaxRank = 254;

bool IsVarint(const WireField& field, uint32_t number) {
  return field.number == number && field.type == WireType::kVarint;
}
bool IsBytes(const WireField& field, uint32_t number) {
  return field.number == number && field.type == WireType::kBytes;
}

bool ParseVersions(absl::string_view bytes, FormatVersions* versions) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (IsVarint(field, 1)) versions->producer = static_cast<int32_t>(field.varint);
    if (IsVarint(field, 2)) versions->min_consumer = static_cast<int32_t>(field.varint);
    if (IsVarint(field, 3)) versions->bars_us |= static_cast<int32_t>(field.varint) == kOurVersion;
    if (IsBytes(field, 3)) {
      absl::string_view packed = field.bytes;
      uint64_t value;
      while (!packed.empty()) {
        if (!ReadVarint(&packed, &value)) return false;
        versions->bars_us |= static_cast<int32_t>(value) == kOurVersion;
      }
    }
  }
  return reader.ok();
}

bool ParseShape(absl::string_view bytes, StoredShape* shape) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (IsVarint(field, 3)) shape->unknown_rank = field.varint != 0;
    if (!IsBytes(field, 2)) continue;
    int64_t size = 0;
    WireReader dim_reader(field.bytes);
    WireField dim_field;
    while (dim_reader.Next(&dim_field)) {
      if (IsVarint(dim_field, 1)) size = static_cast<int64_t>(dim_field.varint);
    }
    if (!dim_reader.ok()) return false;
    if (shape->dims.size() <= kMaxRank) shape->dims.push_back(size);
  }
  return reader.ok();
}

bool ParseSlice(absl::string_view bytes, TensorSlice* slice) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (!IsBytes(field, 1)) continue;
    SliceExtent extent;
    WireReader extent_reader(field.bytes);
    WireField extent_field;
    while (extent_reader.Next(&extent_field)) {
      if (IsVarint(extent_field, 1)) extent.start = static_cast<int64_t>(extent_field.varint);
      if (IsVarint(extent_field, 2)) extent.length = static_cast<int64_t>(extent_field.varint);
    }
    if (!extent_reader.ok()) return false;
    slice->push_back(extent);
  }
  return reader.ok();
}

bool ParseSavedTensorMeta(absl::string_view bytes, SavedTensorMeta* tensor) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (IsBytes(field, 1)) tensor->name = std::string(field.bytes);
    if (IsBytes(field, 2) && !ParseShape(field.bytes, &tensor->shape)) return false;
    if (IsVarint(field, 3)) tensor->dtype = static_cast<DataType>(static_cast<int32_t>(field.varint));
    if (IsBytes(field, 4) && !ParseSlice(field.bytes, &tensor->slices.emplace_back())) return false;
  }
  return reader.ok();
}

}  // namespace

absl::Status CheckVersions(const FormatVersions& versions) {
  if (versions.producer >= 0 && versions.min_consumer <= kOurVersion && !versions.bars_us)
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the checkpoint was written by format version ", versions.producer,
                   " for readers of version ", versions.min_consumer, " and above",
                   versions.bars_us ? " and bars those of version " : "; ours is ", kOurVersion));
}

absl::StatusOr<int64_t> StoredElements(const StoredShape& shape) {
  if (shape.unknown_rank) return absl::DataLossError("its shape has an unknown rank");
  if (shape.dims.size() > kMaxRank) {
    return absl::DataLossError(absl::StrCat("its shape has more than ", kMaxRank, " dimensions"));
  }
  absl::StatusOr<int64_t> count = NumElements(shape.dims);
  if (!count.ok()) return absl::DataLossError(count.status().message());
  return count;
}

absl::Status CheckStoredType(DataType dtype) {
  if (dtype == DT_INVALID || (IsRefType(dtype) && IsKnownDataType(BaseType(dtype)))) {
    return absl::DataLossError(
        absl::StrCat("its type is ", DataTypeEnumName(dtype), ", which is never stored"));
  }
  if (dtype == DT_RESOURCE || !IsKnownDataType(dtype)) {
    return absl::UnimplementedError(
        absl::StrCat("its type is ", DataTypeEnumName(dtype), ", whose values cannot be read"));
  }
  return absl::OkStatus();
}

bool ParseBundleHeader(absl::string_view bytes, BundleHeader* header) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (IsVarint(field, 1)) header->num_shards = static_cast<int32_t>(field.varint);
    if (IsVarint(field, 2)) header->endianness = static_cast<int32_t>(field.varint);
    if (IsBytes(field, 3) && !ParseVersions(field.bytes, &header->versions)) return false;
  }
  return reader.ok();
}

bool ParseBundleEntry(absl::string_view bytes, BundleEntry* entry) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (IsVarint(field, 1)) entry->dtype = static_cast<DataType>(static_cast<int32_t>(field.varint));
    if (IsBytes(field, 2) && !ParseShape(field.bytes, &entry->shape)) return false;
    if (IsVarint(field, 3)) entry->shard = static_cast<int32_t>(field.varint);
    if (IsVarint(field, 4)) entry->offset = static_cast<int64_t>(field.varint);
    if (IsVarint(field, 5)) entry->size = static_cast<int64_t>(field.varint);
    if (field.number == 6 && field.type == WireType::kFixed32)
      entry->masked_crc = static_cast<uint32_t>(field.varint);
    if (IsBytes(field, 7) && !ParseSlice(field.bytes, &entry->slices.emplace_back())) return false;
  }
  return reader.ok();
}

bool ParseSavedMeta(absl::string_view bytes, SavedMeta* meta) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (!IsBytes(field, 1)) continue;
    meta->present = true;
    WireReader meta_reader(field.bytes);
    WireField meta_field;
    while (meta_reader.Next(&meta_field)) {
      if (IsBytes(meta_field, 1) && !ParseSavedTensorMeta(meta_field.bytes, &meta->tensors.emplace_back()))
        return false;
      if (IsBytes(meta_field, 2) && !ParseVersions(meta_field.bytes, &meta->versions)) return false;
    }
    if (!meta_reader.ok()) return false;
  }
  return reader.ok();
}

bool ParseSavedSlice(absl::string_view bytes, SavedSlice* slice) {
  WireReader reader(bytes);
  WireField field;
  bool found = false;
  while (reader.Next(&field)) {
    if (!IsBytes(field, 2)) continue;
    found = true;
    WireReader data_reader(field.bytes);
    WireField data_field;
    while (data_reader.Next(&data_field)) {
      if (IsBytes(data_field, 1)) slice->name = data_field.bytes;
      if (IsBytes(data_field, 2) && !ParseSlice(data_field.bytes, &slice->slice)) return false;
      if (IsBytes(data_field, 3)) slice->values = data_field.bytes;
    }
    if (!data_reader.ok()) return false;
  }
  return reader.ok() && found;
}

}  // namespace cryograph
