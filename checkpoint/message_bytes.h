// The small messages of checkpoints as bytes, in the form in which TensorFlow serializes them. Their readers:
// checkpoint/messages.h.
#ifndef CRYOGRAPH_CHECKPOINT_MESSAGE_BYTES_H_
#define CRYOGRAPH_CHECKPOINT_MESSAGE_BYTES_H_

#include <cstdint>
#include <string>

#include "absl/types/span.h"
#include "checkpoint/messages.h"
#include "checkpoint/ordered_code.h"

namespace cryograph {

// TensorShapeProto of known dimensions. A dimension of 0 is an empty message.
std::string ShapeBytes(absl::Span<const int64_t> dims);

// TensorSliceProto. A full extent is an empty message.
std::string SliceBytes(absl::Span<const SliceExtent> slice);

// BundleHeaderProto with the versions that TensorFlow writes: producer 1.
std::string BundleHeaderBytes(int32_t num_shards, bool big_endian = false);

// BundleEntryProto. The shape of a scalar is an empty message, yet it is there.
std::string BundleEntryBytes(const BundleEntry& entry);

// SavedTensorSlices with the list of the tensors of a V1 file, producer 1.
std::string SavedMetaBytes(absl::Span<const SavedTensorMeta> tensors);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_MESSAGE_BYTES_H_
