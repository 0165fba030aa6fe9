// The small messages of checkpoints, read by hand: they are hostile bytes, and any number of them is read at
// open. Field numbers are those of TensorFlow's BundleHeaderProto, BundleEntryProto, SavedTensorSlices and
// their parts.
#ifndef CRYOGRAPH_CHECKPOINT_MESSAGES_H_
#define CRYOGRAPH_CHECKPOINT_MESSAGES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "checkpoint/slice_spec.h"
#include "graph/dtype.h"

namespace cryograph {

// VersionDef, as far as a reader asks; all zero if it is missing.
struct FormatVersions {
  int32_t producer = 0;
  int32_t min_consumer = 0;
  bool bars_us = false;  // bad_consumers names our version, 1.
};

// InvalidArgument if files of these versions are not for a reader of checkpoint version 1.
absl::Status CheckVersions(const FormatVersions& versions);

// TensorShapeProto. Not judged: StoredElements() does.
struct StoredShape {
  std::vector<int64_t> dims;  // The first 255 of them at most.
  bool unknown_rank = false;
};

// Elements of a stored tensor. DataLoss: unknown rank, more than 254 dimensions, a negative one, overflow.
absl::StatusOr<int64_t> StoredElements(const StoredShape& shape);

// OK for a type whose values can be read. DataLoss for 0 and references, which are never stored;
// Unimplemented for resources and unknown numbers.
absl::Status CheckStoredType(DataType dtype);

struct BundleHeader {
  int32_t num_shards = 0;
  int32_t endianness = 0;  // 0 little, 1 big.
  FormatVersions versions;
};

struct BundleEntry {
  DataType dtype = DT_INVALID;
  int32_t shard = 0;
  int64_t offset = 0;
  int64_t size = 0;
  uint32_t masked_crc = 0;
  StoredShape shape;
  std::vector<TensorSlice> slices;
};

// SavedSliceMeta: a tensor of a V1 file.
struct SavedTensorMeta {
  std::string name;
  DataType dtype = DT_INVALID;
  StoredShape shape;
  std::vector<TensorSlice> slices;
};

// The value of the empty key of a V1 file.
struct SavedMeta {
  bool present = false;  // Field 1 was there.
  FormatVersions versions;
  std::vector<SavedTensorMeta> tensors;
};

// Any other value of a V1 file. `values` is a TensorProto with typed values alone; it shows the bytes given.
struct SavedSlice {
  absl::string_view name;
  TensorSlice slice;
  absl::string_view values;
};

// Each is false for bytes that are no such message; unknown fields are passed over.
bool ParseBundleHeader(absl::string_view bytes, BundleHeader* header);
bool ParseBundleEntry(absl::string_view bytes, BundleEntry* entry);
bool ParseSavedMeta(absl::string_view bytes, SavedMeta* meta);
bool ParseSavedSlice(absl::string_view bytes, SavedSlice* slice);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_MESSAGES_H_
