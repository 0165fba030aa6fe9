#include "checkpoint/message_bytes.h"

#include "base/wire.h"

namespace cryograph {

std::string ShapeBytes(absl::Span<const int64_t> dims) {
  std::string shape;
  for (const int64_t dim : dims) {
    std::string bytes;
    if (dim != 0) AppendVarintField(1, static_cast<uint64_t>(dim), &bytes);
    AppendBytesField(2, bytes, &shape);
  }
  return shape;
}

std::string SliceBytes(absl::Span<const SliceExtent> slice) {
  std::string bytes;
  for (const SliceExtent& extent : slice) {
    std::string part;
    if (extent.start != 0) AppendVarintField(1, static_cast<uint64_t>(extent.start), &part);
    if (!extent.is_full()) AppendVarintField(2, static_cast<uint64_t>(extent.length), &part);
    AppendBytesField(1, part, &bytes);
  }
  return bytes;
}

std::string BundleHeaderBytes(int32_t num_shards, bool big_endian) {
  std::string bytes;
  AppendVarintField(1, static_cast<uint64_t>(num_shards), &bytes);
  if (big_endian) AppendVarintField(2, 1, &bytes);
  AppendBytesField(3, "\x08\x01", &bytes);
  return bytes;
}

std::string BundleEntryBytes(const BundleEntry& entry) {
  std::string bytes;
  AppendVarintField(1, static_cast<uint64_t>(entry.dtype), &bytes);
  AppendBytesField(2, ShapeBytes(entry.shape.dims), &bytes);
  if (entry.shard != 0) AppendVarintField(3, static_cast<uint64_t>(entry.shard), &bytes);
  if (entry.offset != 0) AppendVarintField(4, static_cast<uint64_t>(entry.offset), &bytes);
  if (entry.size != 0) AppendVarintField(5, static_cast<uint64_t>(entry.size), &bytes);
  if (entry.masked_crc != 0) AppendFixed32Field(6, entry.masked_crc, &bytes);
  for (const TensorSlice& slice : entry.slices) AppendBytesField(7, SliceBytes(slice), &bytes);
  return bytes;
}

std::string SavedMetaBytes(absl::Span<const SavedTensorMeta> tensors) {
  std::string meta;
  for (const SavedTensorMeta& tensor : tensors) {
    std::string bytes;
    AppendBytesField(1, tensor.name, &bytes);
    AppendBytesField(2, ShapeBytes(tensor.shape.dims), &bytes);
    AppendVarintField(3, static_cast<uint64_t>(tensor.dtype), &bytes);
    for (const TensorSlice& slice : tensor.slices) AppendBytesField(4, SliceBytes(slice), &bytes);
    AppendBytesField(1, bytes, &meta);
  }
  AppendBytesField(2, "\x08\x01", &meta);
  std::string bytes;
  AppendBytesField(1, meta, &bytes);
  return bytes;
}

}  // namespace cryograph
